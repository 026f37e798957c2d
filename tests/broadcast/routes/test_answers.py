"""What every answer has: no error may be kept by a cache, and a refusal says what is allowed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from broadcast.routes.answers import add_headers, errors_in_one_shape, stored

Client = TestClient[web.Request, web.Application]
KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """One file, with a check before it and without, as if it were removed in between."""
    path = tmp_path / "file"

    async def checked(request: web.Request) -> web.StreamResponse:
        return await stored(path, KEPT)

    async def removed(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers=KEPT)

    site = web.Application(middlewares=[errors_in_one_shape])
    site.on_response_prepare.append(add_headers)
    site.router.add_get("/checked", checked)
    site.router.add_get("/removed", removed)
    async with TestClient(TestServer(site)) as made:
        yield made


async def test_a_file_that_is_there(client: Client, tmp_path: Path) -> None:
    """A file goes out with the headers that it was given."""
    (tmp_path / "file").write_bytes(b"content")
    answer = await client.get("/checked")
    assert (answer.status, await answer.read()) == (200, b"content")
    assert answer.headers["Cache-Control"] == KEPT["Cache-Control"]


async def test_a_file_that_is_gone(client: Client) -> None:
    """A file that was removed is an error in the one shape."""
    answer = await client.get("/checked")
    assert (answer.status, (await answer.json())["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(("path", "status"), [("checked", 404), ("removed", 404), ("checked", 416)])
async def test_no_error_is_kept(client: Client, tmp_path: Path, path: str, status: int) -> None:
    """Whatever the answer would have said, as an error no cache may keep it."""
    if status == 416:
        (tmp_path / "file").write_bytes(b"content")
    answer = await client.get(f"/{path}", headers={"Range": "bytes=99-"})
    assert (answer.status, answer.headers["Cache-Control"]) == (status, "no-store")


async def test_a_wrong_method(client: Client) -> None:
    """Who asks by a wrong method is told the right ones (RFC 9110, section 15.5.6)."""
    answer = await client.delete("/checked")
    assert (answer.status, (await answer.json())["error"]["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"
