"""Where a store is and how it is served: object stores, ports, the command itself."""

import http.client
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bisae.browser.server import listen
from bisae.cli import main
from bisae.errors import AddressInUse
from bisae.store import Store, open_store
from support.browsing import serving


def test_a_store_in_an_object_store(tiny: Store, bucket: str) -> None:
    command = ["cp", str(tiny.path), bucket, "--only", "size=M,step=40"]
    assert CliRunner().invoke(main, command).exit_code == 0
    with serving(open_store(bucket)) as site, serving(tiny) as local:
        assert "3 of 15 cells" in site.get("/").text
        for path in ("/M/40/1.json?rows=features", "/M/40/1/5.json?rows=examples"):
            answer = site.get(path)
            assert answer.status == 200
            assert answer.rows == local.get(path).rows


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUse, match=f"port {port}: .*; give another --port"):
            listen("127.0.0.1", port)


def test_the_command_serves_until_it_is_stopped(tiny: Store) -> None:
    command = [sys.executable, "-m", "bisae", "explore", str(tiny.path), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        lines = iter(process.stderr)
        (address,) = next(
            match for line in lines if (match := re.findall(r"127\.0\.0\.1:\d+", line))
        )
        connection = http.client.HTTPConnection(address, timeout=60)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "`bisae explore` was stopped by SIGINT; nothing was changed" in rest
    assert "Traceback" not in rest


def test_a_site_is_not_written_over_files(tiny: Store, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    command = ["explore", str(tiny.path), "--export", str(tmp_path)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert "is not empty: give a new folder to --export" in result.output
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]
