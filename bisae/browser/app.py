"""The web application: which address is which page, and errors as pages.

Pages, figures and queries of users each have a few threads: none waits for another.
"""

import asyncio
import re
from functools import partial
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from bisae.assets import asset_dir
from bisae.browser import report_pages
from bisae.browser.background import Waiting
from bisae.browser.cell_page import cell_page
from bisae.browser.download import KINDS, download
from bisae.browser.feature_page import feature_page
from bisae.browser.grid_page import grid_page, trends_page
from bisae.browser.library import Library, number
from bisae.browser.page import Page
from bisae.browser.render import render, served, styles
from bisae.browser.sql_page import RUNNING, sql_figure, sql_page
from bisae.browser.text_page import text_page
from bisae.errors import (
    AddressError,
    BisaeError,
    CheckpointError,
    SqlError,
    Unfinished,
)
from bisae.query import QueryProcess

PAGES_AT_ONCE = 4
QUERIES_AT_ONCE = FIGURES_AT_ONCE = 2
LOOK_EVERY = 0.5
"""Seconds between two looks whether a page is still waited for."""
STATUS = {AddressError: 404, Unfinished: 404, CheckpointError: 404, SqlError: 400}
"""The status of a page about an error; of any other one it is 500."""
PAGES: dict[str, Any] = {
    "": grid_page,
    "grid": grid_page,
    "trends": trends_page,
    "findings": report_pages.findings_page,
    "checks": report_pages.checks_page,
    "text": text_page,
    "definitions": lambda _library, _query: Page("definitions", "Definitions", {}, {}),
}


def create_app(library: Library) -> Starlette:
    """Return the application."""
    limiters = {
        "sql": anyio.CapacityLimiter(QUERIES_AT_ONCE),
        "figures": anyio.CapacityLimiter(FIGURES_AT_ONCE),
        "pages": anyio.CapacityLimiter(PAGES_AT_ONCE),
    }

    async def show(request: Request) -> Response:
        kind = re.split(r"[/.]", request.url.path)[1]
        limiter = limiters.get(kind, limiters["pages"])
        call = partial(respond, library, request.url.path, request.query_params)
        queries: list[QueryProcess] = []
        RUNNING.set(queries)
        watch = asyncio.create_task(_stop_if_left(request, queries))
        try:
            return await anyio.to_thread.run_sync(call, limiter=limiter)
        finally:
            watch.cancel()

    async def report_error(request: Request, error: Exception) -> Response:
        return _error_response(library, request, error)

    return Starlette(
        routes=[Route("/{path:path}", show)],
        exception_handlers={
            BisaeError: report_error,
            HTTPException: report_error,
            Exception: report_error,
        },
    )


async def _stop_if_left(request: Request, queries: list[QueryProcess]) -> None:
    """Stop the queries of a request, now and later, once its reader has left."""
    while not await request.is_disconnected():
        await asyncio.sleep(LOOK_EVERY)
    while True:
        for query in queries:
            query.stop()
        await asyncio.sleep(LOOK_EVERY)


def respond(library: Library, path: str, query: QueryParams) -> Response:
    """Return the response to an address. Raises BisaeError."""
    if path == "/style.css":
        return Response(styles(), media_type="text/css")
    if path == "/icon.svg":
        icon = asset_dir("reports") / "browser" / "icon.svg"
        return FileResponse(icon, media_type="image/svg+xml")
    if path == "/sql.svg":
        return Response(sql_figure(library, query), media_type="image/svg+xml")
    if path.startswith("/figures/") and path.endswith(".svg"):
        return _figure(library, path)
    stem, _, kind = path.rpartition(".")
    if kind not in KINDS:
        page = find_page(library, path, query)
        html = render(library, page, path, query, served)
        refresh = {"Refresh": str(page.refresh)} if page.refresh else {}
        return HTMLResponse(html, 202 if page.refresh else 200, refresh)
    page = find_page(library, stem, query, whole=True)
    if page.refresh:
        return JSONResponse({"error": "being computed"}, 503, {"Retry-After": "2"})
    name = query.get("rows", "")
    file = f"{(name or stem.strip('/')).replace('/', '-').replace(' ', '-')}.{kind}"
    return Response(
        download(page, name, kind),
        media_type=KINDS[kind],
        headers={"Content-Disposition": f'inline; filename="{file}"'},
    )


def find_page(
    library: Library, path: str, query: QueryParams, *, whole: bool = False
) -> Page:
    """Return the page of an address; `whole` has all rows. Raises BisaeError."""
    parts = path.strip("/").split("/")
    if parts == ["sql"]:
        return sql_page(library, query, whole=whole)
    if len(parts) == 1 and parts[0] in PAGES:
        page: Page = PAGES[parts[0]](library, query)
        return page
    if len(parts) not in (3, 4):
        msg = f"there is no page {path[:80]}: addresses are /SIZE/STEP/LAYER/FEATURE"
        raise AddressError(msg)
    cell = library.finished(*parts[:3])
    if len(parts) == 3:
        return cell_page(library, cell, query, whole=whole)
    return feature_page(library, cell, number("feature", parts[3]), query)


def _figure(library: Library, path: str) -> Response:
    svg = report_pages.figure(library, path.removeprefix("/figures/")[: -len(".svg")])
    if isinstance(svg, Waiting):
        return Response(status_code=503, headers={"Retry-After": "2"})
    return Response(svg, media_type="image/svg+xml")


def _error_response(library: Library, request: Request, error: Exception) -> Response:
    """Return a page that says what is wrong; a traceback is for the terminal alone."""
    status, message = 500, "the page failed; the terminal says more"
    if isinstance(error, BisaeError):
        status = next((STATUS[k] for k in STATUS if isinstance(error, k)), 500)
        message = str(error)
    elif isinstance(error, HTTPException):
        status, message = error.status_code, error.detail
    if request.url.path.rpartition(".")[2] in KINDS:
        return JSONResponse({"error": message}, status)
    page = Page("error", "Error", {}, {"status": status, "message": message})
    html = render(library, page, request.url.path, QueryParams(), served)
    return HTMLResponse(html, status)
