"""Serve the pages of a store on this machine."""

import os
import socket
from ipaddress import ip_address

import uvicorn

from bisae.browser.app import create_app
from bisae.browser.guard import Guard
from bisae.browser.library import Library
from bisae.errors import AddressInUse
from bisae.progress import note
from bisae.store import Store


def serve(store: Store, host: str, port: int) -> None:
    """Serve until a signal. Raises AddressInUse.

    Port 0 is any free one. The address is written to standard error.
    """
    library = Library(store)
    listening = listen(host, port)
    with listening:
        library.trends.refresh()
        note(f"{_url(listening)}  (Ctrl-C ends it)")
        if not ip_address(listening.getsockname()[0]).is_loopback:
            note("everybody who can reach this machine can read the pages")
        app = Guard(create_app(library), (host, socket.gethostname()))
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=1
        )
        uvicorn.Server(config).run(sockets=[listening])
    library.background.close()


def listen(host: str, port: int) -> socket.socket:
    """Listen at an address. Raises AddressInUse."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        number = error.errno or 0  # of a name that is unknown, it is negative
        reason = os.strerror(number) if number > 0 else str(error)
        msg = f"cannot listen on {host}, port {port}: {reason}; "
        raise AddressInUse(msg + "give another --port, or another --host") from error


def _url(listening: socket.socket) -> str:
    host, port, *_ = listening.getsockname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
