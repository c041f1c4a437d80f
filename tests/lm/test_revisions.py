"""`bisae plan` asks a hub whether every checkpoint exists: a local server answers."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import huggingface_hub.constants
import pytest
import tomli_w
from click.testing import CliRunner, Result

from bisae.cli import main
from bisae.errors import CheckpointError
from bisae.lm.revisions import missing_checkpoints
from bisae.study import Study
from support.studies import MODEL, TEXT, make_study

HASH = "0123456789abcdef0123456789abcdef01234567"
BRANCHES = ["main", "step10"]


class Hub(BaseHTTPRequestHandler):
    """The two questions of the hub's API that are asked, about one repository."""

    def do_GET(self) -> None:
        if self.path.startswith("/api/models/org/some-lm/refs"):
            branches = [
                {"name": name, "ref": f"refs/heads/{name}", "targetCommit": HASH}
                for name in BRANCHES
            ]
            self._answer(200, {"branches": branches, "tags": [], "converts": []})
        elif self.path.startswith(f"/api/models/org/some-lm/revision/{HASH}"):
            self._answer(200, {"id": "org/some-lm", "sha": HASH})
        elif self.path.startswith("/api/models/org/some-lm/"):
            self._answer(404, {"error": "no"}, "RevisionNotFound")
        else:
            self._answer(401, {"error": "no"}, "RepoNotFound")

    def _answer(self, status: int, body: dict[str, Any], error: str = "") -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if error:
            self.send_header("X-Error-Code", error)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = HTTPServer(("127.0.0.1", 0), Hub)
    thread = Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", url)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def study_of(name: str, revisions: list[str]) -> Study:
    model = MODEL | {"checkpoint": name, "steps": [1, 2], "revisions": revisions}
    return make_study(models=[model])


@pytest.mark.usefixtures("hub")
def test_revisions_that_exist_are_not_reported() -> None:
    assert missing_checkpoints(study_of("org/some-lm", ["step10", "main"])) == []
    assert missing_checkpoints(study_of("org/some-lm", ["step10", HASH])) == []


@pytest.mark.usefixtures("hub")
def test_missing_revisions_and_names_are_reported() -> None:
    absent = HASH[::-1]
    assert missing_checkpoints(study_of("org/some-lm", ["step11", absent])) == [
        f"org/some-lm has no revision step11, {absent} on the hub (2 are missing)"
    ]
    assert missing_checkpoints(study_of("org/another", ["step10", "main"])) == [
        "org/another is not on the hub, or is private and you are not logged in"
    ]


def test_folders_are_not_asked_for() -> None:
    assert missing_checkpoints(make_study()) == []


def test_without_a_network_the_reason_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(CheckpointError, match=r"^the hub cannot be reached, [^\n]*$"):
        missing_checkpoints(study_of("org/some-lm", ["step10", "main"]))


def planned(folder: Path, revisions: list[str]) -> Result:
    model = MODEL | {"checkpoint": "org/some-lm", "steps": [1, 2], "d_model": 64}
    model |= {"revisions": revisions}
    raw = {"name": "of-hub", "corpus": {"text": TEXT}, "models": [model]}
    file = folder / "study.toml"
    file.write_text(tomli_w.dumps(raw | {"lm": {"device": "cpu", "memory_gb": 8}}))
    return CliRunner().invoke(main, ["plan", str(file)])


@pytest.mark.usefixtures("hub")
def test_plan_fails_for_a_missing_revision(tmp_path: Path) -> None:
    result = planned(tmp_path, ["step10", "step11"])
    assert result.exit_code == 2
    said = "Error: org/some-lm has no revision step11 on the hub (1 is missing)\n"
    assert result.stderr.endswith(said)
    assert planned(tmp_path, ["step10", "main"]).exit_code == 0


def test_plan_goes_on_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    result = planned(tmp_path, ["step10", "step11"])
    assert result.exit_code == 0, result.output
    assert "checkpoints are not looked up: the hub cannot be reached" in result.stderr
