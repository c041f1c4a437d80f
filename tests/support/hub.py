"""A hub on this machine: a server that has folders as revisions of one repository."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REPOSITORY = "lab/tiny"


def commit_of(revision: str) -> str:
    return hashlib.sha1(revision.encode()).hexdigest()


@contextmanager
def local_hub(folders: dict[str, Path]) -> Iterator[tuple[str, list[str]]]:
    """Serve folders by revision; yield the address, and the weights asked for.

    Of each download the list has the revision.
    """
    commits = {commit_of(revision): revision for revision in folders}
    downloads = list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api = re.match(
                rf"/api/models/{REPOSITORY}/(revision|tree)/([^/?]+)", self.path
            )
            file = re.match(rf"/{REPOSITORY}/resolve/([^/]+)/([^?]+)", self.path)
            match = api or file
            name = match and match[2 if api else 1]
            revision = commits.get(name or "", name)
            if match is None or revision not in folders:
                self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            elif api:
                self._describe(revision, is_tree=api[1] == "tree")
            else:
                self._file(revision, match[2])

        do_HEAD = do_GET

        def _describe(self, revision: str, *, is_tree: bool) -> None:
            files = sorted(folders[revision].iterdir())
            size = {file.name: file.stat().st_size for file in files}
            tree = [
                {"type": "file", "path": name, "size": size[name], "oid": "0" * 40}
                for name in size
            ]
            siblings = [{"rfilename": name} for name in size]
            model = {"id": REPOSITORY, "sha": commit_of(revision), "siblings": siblings}
            answer = json.dumps(tree if is_tree else model).encode()
            self._send(200, answer, {"Content-Type": "application/json"})

        def _file(self, revision: str, name: str) -> None:
            headers = {"X-Repo-Commit": commit_of(revision)}
            file = folders[revision] / name
            if not file.is_file():
                self._send(404, b"", headers | {"X-Error-Code": "EntryNotFound"})
                return
            data = file.read_bytes()
            if self.command == "GET" and name.endswith(".safetensors"):
                downloads.append(revision)
            etag = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"'}
            self._send(200, data, headers | etag)

        def _send(self, code: int, data: bytes, headers: dict[str, str]) -> None:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", downloads
    finally:
        server.shutdown()
        server.server_close()
