"""A server of the feature browser in this process, and requests to it."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import uvicorn

from bisae.browser.app import create_app
from bisae.browser.guard import Guard
from bisae.browser.library import Library
from bisae.browser.server import listen
from bisae.store import Store


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.body)
        return rows


class Site(NamedTuple):
    """A running server."""

    library: Library
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, named, response.read())
        connection.close()
        return answer


@contextmanager
def serving(store: Store) -> Iterator[Site]:
    """Serve a store until the end of the block."""
    library = Library(store)
    with listen("127.0.0.1", 0) as listening:
        config = uvicorn.Config(
            Guard(create_app(library), ["here"]), log_level="critical", access_log=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield Site(library, listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(20)
            library.background.close()
