"""Requests of other sites and under other names are refused; pages have no script."""

import pytest

from support.browsing import Site


@pytest.mark.parametrize(
    "host", ["localhost:1", "127.0.0.1", "[::1]:80", "here:9", "HERE"]
)
def test_our_names_are_answered(site: Site, host: str) -> None:
    assert site.get("/definitions", Host=host).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "[x", "a@b"]
)
def test_a_foreign_name_is_refused(site: Site, host: str) -> None:
    """A name of theirs that points to this machine: DNS rebinding."""
    answer = site.get("/", Host=host)
    assert answer.status in (400, 421)
    assert b"<html" not in answer.body


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://localhost"])
def test_a_foreign_origin_is_refused(site: Site, origin: str) -> None:
    assert site.get("/", Origin=origin, Host="localhost").status == 403
    assert (
        site.get("/definitions", Origin="http://localhost", Host="localhost").status
        == 200
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_reads_are_answered(site: Site, method: str) -> None:
    answer = site.get("/", method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/style.css", "/grid.json", "/icon.svg"]
)
def test_every_response_has_the_headers(site: Site, path: str) -> None:
    headers = site.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy  # so none at all
    assert "frame-ancestors 'none'" in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_pages_have_no_script(site: Site) -> None:
    for path in ("/", "/M/40/1", "/M/40/1/0", "/sql", "/text"):
        page = site.get(path).text.lower()
        assert "<script" not in page
        assert " onclick" not in page
        assert "javascript:" not in page
