"""Strangers and slips at the HTTP entrances: a clear answer in the one shape, and nothing changes."""

import socket
import struct
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
import pytest_asyncio
from yarl import URL

from demo.control import pass_of
from demo.server import Server
from tests.support.cast import eventually
from tests.support.strangers import SDP, bearer, forged, offer, refused, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start_server: Any, event_table: Any) -> Server:
    return await start_server(event_table(2))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def passes(server: Server) -> dict[str, str]:
    return {ident: pass_of(link) for ident, link in (await server.links()).items()}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


@pytest.mark.parametrize("path", ["/", "/watch", "/speak", "/produce", "/screen"])
async def test_pages_are_there(http: aiohttp.ClientSession, path: str) -> None:
    """Each page is served with a content security policy and without a pass."""
    async with http.get(path) as answer:
        assert answer.status == 200
        assert "text/html" in answer.headers["Content-Type"]
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_health(http: aiohttp.ClientSession, path: str) -> None:
    """Health, readiness and metrics answer."""
    async with http.get(path) as answer:
        assert answer.status == 200


async def test_who_knocks_and_is_gone_is_not_in_the_log(server: Server) -> None:
    """Pages that are closed while they connect, and strangers who do so on purpose: not a line of it."""
    knock = (
        f"GET /ws HTTP/1.1\r\nHost: {server.host}:{server.http}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: pavilion.v1\r\n\r\n"
    )
    before = server.log.read_text(encoding="utf-8")
    for _ in range(20):
        with socket.create_connection((server.host, server.http)) as sock:
            sock.sendall(knock.encode())
            sock.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )  # close as by a reset
    async with aiohttp.ClientSession(server.url) as session, session.get("/healthz") as answer:
        assert answer.status == 200, "it has come to those who knocked before"
    assert "Traceback" not in server.log.read_text(encoding="utf-8").removeprefix(before)


async def test_metrics_tell_how_the_server_itself_fares(http: aiohttp.ClientSession) -> None:
    """Its longest pause is there, and what it has at the start is put aside from the garbage collector."""

    async def figure(name: str) -> float:
        async with http.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"pavilion_server_{name} "))

    await eventually("all is looked at", lambda: figure("objects_put_aside"), lambda seen: seen > 10_000)
    await eventually("the first beat", lambda: figure("longest_pause_ms"), lambda seen: seen > 0)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/js/nothing.js",
        "/../config.toml",
        "/js/../../config.toml",
        "/js/%2e%2e/%2e%2e/config.toml",
        "/js/%00",
        f"/js/{'x' * 300}.js",
        "/%00",
    ],
)
async def test_nothing_else_is_served(http: aiohttp.ClientSession, server: Server, path: str) -> None:
    """What is no page is 404 in the one shape, the config included."""
    async with http.get(URL(server.url + path, encoded=True)) as answer:
        await refused(answer, 404, "not_found")


async def test_the_library_of_the_pages(http: aiohttp.ClientSession) -> None:
    """hls.js is served as a module, packed, and not sent again to whom has it."""
    async with http.get("/lib/hls.js") as answer:
        assert answer.status == 200, "hls.js is not installed. Say: make .venv/pages"
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert answer.headers["Content-Encoding"] == "gzip"
        assert b"LEVEL_LOADED" in await answer.read()
        tag = answer.headers["ETag"]
    async with http.get("/lib/hls.js", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    async with http.get("/lib/hls.js", headers={"Accept-Encoding": "identity"}) as answer:
        assert answer.status == 200
        assert "Content-Encoding" not in answer.headers


async def test_chapters_before_the_first_talk(http: aiohttp.ClientSession) -> None:
    """Anybody may ask for the chapters of a public event, from any page."""
    async with http.get("/api/chapters") as answer:
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        told = await answer.json()
    assert told["state"] == "soon"
    assert told["chapters"] == []
    assert told["event"]["timezone"] == "Asia/Taipei"


async def test_chapters_with_a_wrong_pass(http: aiohttp.ClientSession) -> None:
    """A pass that is none opens no chapters."""
    async with http.get("/api/chapters", headers=bearer("nonsense")) as answer:
        await refused(answer, 401, "pass_invalid")


async def test_whip_without_a_pass(http: aiohttp.ClientSession) -> None:
    """Publishing needs a pass."""
    async with http.post("/whip", data=offer("sendonly"), headers=SDP) as answer:
        await refused(answer, 401, "pass_missing")


async def test_whip_with_wrong_passes(
    http: aiohttp.ClientSession, server: Server, passes: dict[str, str]
) -> None:
    """A forged, broken, expired or foreign pass is refused by its own code."""
    good = passes["thony"]
    expired = await signed(server, good, exp=int(time.time()) - 60)
    foreign = await signed(server, good, event="another-event")
    unknown = await signed(server, good, sub="nobody")
    unsigned = jwt.encode(jwt.decode(good, options={"verify_signature": False}), "", algorithm="none")
    for token, status, code in [
        (forged(good), 401, "pass_invalid"),
        (good[:-4], 401, "pass_invalid"),
        ("x", 401, "pass_invalid"),
        (unsigned, 401, "pass_invalid"),
        (expired, 401, "pass_expired"),
        (foreign, 403, "pass_foreign"),
        (unknown, 403, "pass_unknown_person"),
        (passes["pavilion"], 403, "role_forbidden"),
    ]:
        async with http.post("/whip", data=offer("sendonly"), headers=bearer(token)) as answer:
            await refused(answer, status, code)


async def test_a_screen_may_not_watch_single_feeds(
    http: aiohttp.ClientSession, passes: dict[str, str]
) -> None:
    """Single feeds are for producers; one that is not up is 404 for them."""
    async with http.post(
        "/whep/feeds/thony", data=offer("recvonly"), headers=bearer(passes["pavilion"])
    ) as answer:
        await refused(answer, 403, "role_forbidden")
    async with http.post(
        "/whep/feeds/thony", data=offer("recvonly"), headers=bearer(passes["producer"])
    ) as answer:
        await refused(answer, 404, "not_found")


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{}", {"Content-Type": "application/json"}, 415, "not_sdp"),
        (b"", SDP, 400, "bad_offer"),
        (b"hello", SDP, 400, "bad_offer"),
        (b"\xff\xfe\x00", SDP, 400, "bad_offer"),
        (b"v=0\r\nm=video", SDP, 400, "bad_offer"),
        (b"v=0\r\n" + b"a=x\r\n" * 60000, SDP, 413, "body_too_large"),
        (offer("recvonly", "AV1").encode(), SDP, 406, "no_usable_codec"),
        (offer("recvonly", "VP8").encode(), SDP, 406, "no_usable_codec"),
    ],
)
async def test_whep_offers_that_cannot_be(
    http: aiohttp.ClientSession, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """An offer that is none, too large, or without H264 is refused by its own code."""
    async with http.post("/whep", data=body, headers=headers) as answer:
        await refused(answer, status, code)


async def test_truncated_offers(http: aiohttp.ClientSession) -> None:
    """An offer cut anywhere is answered or refused, never a fault."""
    whole = offer("recvonly")
    for length in range(0, len(whole), 23):
        async with http.post("/whep", data=whole[:length].encode(), headers=SDP) as answer:
            assert answer.status in (201, 400, 406), (length, await answer.text())
            if answer.status == 201:
                async with http.delete(answer.headers["Location"]) as gone:
                    assert gone.status == 200


async def test_whip_offers_without_a_codec(http: aiohttp.ClientSession, passes: dict[str, str]) -> None:
    """A speaker whose encoder knows neither H264 nor VP8 is told so."""
    async with http.post("/whip", data=offer("sendonly", "AV1"), headers=bearer(passes["thony"])) as answer:
        await refused(answer, 406, "no_usable_codec")


async def test_whep_life(http: aiohttp.ClientSession) -> None:
    """POST makes a session, PATCH is refused, DELETE ends it, a second DELETE finds nothing."""
    async with http.post("/whep", data=offer("recvonly"), headers=SDP) as answer:
        assert answer.status == 201, await answer.text()
        assert answer.headers["Content-Type"].startswith("application/sdp")
        assert "a=ice-lite" in await answer.text()
        location = answer.headers["Location"]
        assert answer.headers.get("ETag")
    async with http.patch(location, data="a=candidate", headers=SDP) as answer:
        await refused(answer, 405, "no_trickle")
        assert answer.headers["Allow"] == "OPTIONS, GET, DELETE"
    async with http.delete(location) as answer:
        assert answer.status == 200
    async with http.delete(location) as answer:
        await refused(answer, 404, "not_found")


async def test_a_viewer_chooses_a_rendition(http: aiohttp.ClientSession) -> None:
    """What was asked for is told again; what is not there is refused, and so are sessions that are not."""
    async with http.post("/whep", data=offer("recvonly"), headers=SDP) as answer:
        session = f"{answer.headers['Location']}/rendition"
    async with http.get(session) as answer:
        assert await answer.json() == {"rendition": "auto", "sent": None, "renditions": ["720p", "360p"]}
    async with http.put(session, json={"rendition": "360p"}) as answer:
        assert answer.status == 200
        assert (await answer.json())["rendition"] == "360p"
    for body in ("x", "[]", '{"rendition": "90p"}', '{"rendition": [1]}', "{}"):
        async with http.put(session, data=body) as answer:
            await refused(answer, 400, "unknown_rendition")
    async with http.put("/whep/sessions/nothing/rendition", json={"rendition": "auto"}) as answer:
        await refused(answer, 404, "not_found")


async def test_sessions_are_unguessable(http: aiohttp.ClientSession, passes: dict[str, str]) -> None:
    """Only who knows the location ends a session; an unknown one is 404."""
    async with http.post("/whip", data=offer("sendonly"), headers=bearer(passes["thony"])) as answer:
        assert answer.status == 201, await answer.text()
        location = answer.headers["Location"]
    assert len(location.rpartition("/")[2]) >= 22
    async with http.delete(location, headers=bearer(passes["thony"])) as answer:
        assert answer.status == 200
    async with http.delete("/whip/sessions/nothing", headers=bearer(passes["thony"])) as answer:
        assert answer.status == 404


@pytest.mark.parametrize("path", ["/whip", "/whep", "/whep/feeds/thony"])
async def test_options(http: aiohttp.ClientSession, path: str) -> None:
    """OPTIONS says what may be posted, also to a page of another origin."""
    async with http.options(path, headers={"Origin": "https://elsewhere.example"}) as answer:
        assert answer.status in (200, 204)
        assert answer.headers["Accept-Post"] == "application/sdp"
        assert "POST" in answer.headers["Allow"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_methods_that_are_not(http: aiohttp.ClientSession) -> None:
    """PUT on an endpoint is 405 in the one shape."""
    async with http.put("/whep", data="x") as answer:
        assert answer.status == 405
        assert (await answer.json())["error"]["code"]
