"""`/dashboard/` over a real socket."""

import gzip
from pathlib import Path

import pytest
from fastapi import FastAPI
from tests.api.served import Platform
from tests.dashboard.installed import needs_modules

from headwater.api.dashboard_files import ROOT, DashboardFiles
from headwater.api.routes.dashboard import dashboard_routes


@needs_modules
async def test_the_page_is_asked_about_again_and_guarded(platform: Platform) -> None:
    reply = await platform.get("/dashboard/")
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["content-security-policy"] == DashboardFiles().security_policy()
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.body == (ROOT / "index.html").read_bytes()
    assert (await platform.get("/dashboard/index.html")).body == reply.body


@needs_modules
async def test_every_module_of_the_import_map_comes_as_a_script_for_ever(
    platform: Platform,
) -> None:
    for address in DashboardFiles().import_map().values():
        reply = await platform.get("/dashboard/" + address.removeprefix("./"))
        assert reply.status == 200
        assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
        assert "immutable" in reply.headers["cache-control"]


async def test_what_a_browser_has_is_not_sent_again(platform: Platform) -> None:
    first = await platform.get("/dashboard/app.js")
    tag = first.headers["etag"]
    for wanted in (tag, f'W/{tag}, "other"', "*"):
        again = await platform.get("/dashboard/app.js", {"if-none-match": wanted})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert (await platform.get("/dashboard/app.js", {"if-none-match": '"other"'})).status == 200


async def test_gzip_is_sent_to_who_takes_it_under_a_tag_of_its_own(platform: Platform) -> None:
    plain = await platform.get("/dashboard/app.js")
    for accepted in ("br, gzip", "*", "gzip;q=0.5"):
        zipped = await platform.get("/dashboard/app.js", {"accept-encoding": accepted})
        assert zipped.headers["content-encoding"] == "gzip"
        assert gzip.decompress(zipped.body) == plain.body
        assert zipped.headers["etag"] != plain.headers["etag"]
        assert zipped.headers["vary"] == "accept-encoding"
    for accepted in ("br", "gzip;q=0"):
        reply = await platform.get("/dashboard/app.js", {"accept-encoding": accepted})
        assert "content-encoding" not in reply.headers


async def test_head_and_range(platform: Platform) -> None:
    whole = await platform.get("/dashboard/app.js")
    head = await platform.request("HEAD", "/dashboard/app.js")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.body))
    part = await platform.get("/dashboard/app.js", {"range": "bytes=0-9"})
    assert (part.status, part.body) == (200, whole.body)
    assert part.headers["accept-ranges"] == "none"


async def test_other_methods_and_other_names_are_problems(platform: Platform) -> None:
    reply = await platform.request("DELETE", "/dashboard/app.js")
    assert (reply.status, reply.headers["content-type"]) == (405, "application/problem+json")
    for name in ("nothing.js", "../api.py", "..%2f__init__.py", "modules/", "%00", "app.js%2f.."):
        assert (await platform.get("/dashboard/" + name)).status == 404


async def test_the_bare_name_leads_to_the_page_under_any_prefix(platform: Platform) -> None:
    reply = await platform.get("/dashboard")
    assert (reply.status, reply.headers["location"]) == (307, "dashboard/")


async def test_no_document_lists_it(platform: Platform) -> None:
    assert b"/dashboard" not in (await platform.get("/openapi.json")).body


async def test_without_modules_the_page_says_what_to_do(tmp_path: Path) -> None:
    root = tmp_path / "dashboard"
    root.mkdir()
    (root / "index.html").write_bytes((ROOT / "index.html").read_bytes())
    app = FastAPI()
    app.router.routes.extend(dashboard_routes(DashboardFiles(root)))
    reply = await _first_page(app)
    assert reply[0] == 503
    assert b"install Node.js with npm" in reply[1]


async def _first_page(app: FastAPI) -> tuple[int, bytes]:
    """The answer to `/dashboard/` of an application that is not on a socket."""
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/dashboard/",
        "raw_path": b"/dashboard/",
        "query_string": b"",
        "headers": [],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
    }
    await app(scope, receive, send)  # type: ignore[arg-type]
    status, body = sent[0]["status"], sent[1]["body"]
    assert isinstance(status, int)
    assert isinstance(body, bytes)
    return status, body


@pytest.mark.parametrize("name", ["app.css", "icon.svg", "manifest.webmanifest", "NOTICE.txt"])
async def test_types_are_told(platform: Platform, name: str) -> None:
    types = {
        "app.css": "text/css; charset=utf-8",
        "icon.svg": "image/svg+xml",
        "manifest.webmanifest": "application/manifest+json",
        "NOTICE.txt": "text/plain; charset=utf-8",
    }
    reply = await platform.get("/dashboard/" + name)
    assert (reply.status, reply.headers["content-type"]) == (200, types[name])
