"""An event for people with a pass, by HTTP: the header, the cookie, and caches in front."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from demo.control import pass_of
from demo.server import Server
from tests.e2e.test_hls import SMALL, Player
from tests.support import browsers, caches
from tests.support.cast import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 60.0  # seconds
KINDS = {"nginx": (caches.nginx, "nginx"), "varnish": (caches.varnish, "varnishd")}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start_server: Any, event_table: Any) -> Server:
    table = event_table(1, event={"public_viewers": False}, hls={"thumbnail_seconds": 1}, programme=SMALL)
    started: Server = await start_server(table)
    return started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def link(server: Server) -> str:
    """A link of somebody who may watch."""
    return (await server.links())["pavilion"]


def bearing(token: str) -> aiohttp.ClientSession:
    """A client that sends this pass with every request."""
    return aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})


async def media(player: Player) -> list[str]:
    """Playlists and media, each of which is there."""
    base = await player.find()
    await player.until(base, 0)
    return ["index.m3u8", f"{base}media.m3u8", f"{base}seg-0.m4s", f"{base}init-0.mp4"]


async def test_without_a_pass_there_is_nothing(server: Server, link: str) -> None:
    """Everything of the programme asks for a pass, and caches may share nothing."""
    async with bearing(pass_of(link)) as http:
        player = Player(server, http)
        paths = await media(player)
        for path in paths:
            status, headers, _ = await player.get(path)
            assert (status, headers["Cache-Control"].split(",")[0]) == (200, "private")
    session = paths[1].split("/")[0]
    async with aiohttp.ClientSession(cookies={"pavilion_pass": "forged"}) as http:
        for client, code in ((http, b"pass_invalid"), (aiohttp.ClientSession(), b"pass_missing")):
            async with client:
                stranger = Player(server, client)
                for path in (*paths, f"{session}/thumbs/1680069600.jpg"):
                    status, headers, body = await stranger.get(path)
                    assert (status, headers["Cache-Control"]) == (401, "no-store")
                    assert code in body


async def test_a_cookie_for_the_media_alone(server: Server, link: str) -> None:
    """Who shows their pass once is let in to the media by a cookie, which opens nothing else."""
    token = pass_of(link)
    async with bearing(token) as http, http.get(f"{server.url}/api/chapters") as answer:
        cookie = answer.cookies["pavilion_pass"]
        assert cookie["path"] == "/live"
        assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Strict", "")
        assert answer.headers["Cache-Control"].startswith("private")
    async with aiohttp.ClientSession(headers={"Cookie": f"pavilion_pass={cookie.value}"}) as http:
        player = Player(server, http)
        for path in await media(player):
            status, headers, _ = await player.get(path)
            assert (status, headers["Vary"].split(", ")[:2]) == (200, ["Authorization", "Cookie"])
        async with http.get(f"{server.url}/api/chapters") as refused:
            assert refused.status == 401
        async with http.post(
            f"{server.url}/whep", data="v=0", headers={"Content-Type": "application/sdp"}
        ) as no:
            assert no.status == 401


async def test_a_browsers_own_player_and_images(server: Server, link: str, chromium: Any) -> None:
    """Where there is no hls.js the page plays by the browser's own player, and shows thumbnails."""
    opened = await (await browsers.context(await chromium.browser())).new_page()
    await opened.route("**/lib/hls.js*", lambda route: route.fulfill(status=404))
    await opened.route(
        "**/whep", lambda route: route.fulfill(status=406, json={"error": {"code": "no_usable_codec"}})
    )
    await opened.goto(link.replace("/screen", "/watch"))
    video = opened.locator("#replay video")
    seen = "video => video.videoWidth && video.currentTime"
    await eventually("pictures", lambda: video.evaluate(seen), lambda at: at > 1, PATIENCE)
    assert await video.evaluate("video => video.src.endsWith('index.m3u8')")
    assert await opened.evaluate("document.cookie") == ""
    thumb = """(async () => {
        const {thumbs, now} = await (await fetch('/api/chapters', {headers: {Authorization: `Bearer ${
            new URLSearchParams(location.hash.slice(1)).get('pass')}`}})).json();
        const image = new Image();
        image.src = thumbs.url.replace('{time}', Math.floor(now / 1000) - 2);
        return image.decode().then(() => image.naturalWidth, () => 0);
    })()"""
    await eventually("a thumbnail", lambda: opened.evaluate(thumb), lambda width: width == 256, PATIENCE)


@pytest.mark.parametrize("kind", KINDS)
async def test_behind_a_cache_nothing_is_shared(
    server: Server, link: str, kind: str, tmp_path: Path, tcp_port: int
) -> None:
    """What one is sent by header or by cookie, the next one without a pass is refused."""
    start, program = KINDS[kind]
    if caches.program(program) is None:
        pytest.skip(f"{kind} is not installed. Say: apt-get install {kind}")
    token = pass_of(link)
    async with start(tmp_path / kind, tcp_port, server.http) as url:
        for own in ({"Authorization": f"Bearer {token}"}, {"Cookie": f"pavilion_pass={token}"}):
            connector = aiohttp.TCPConnector(ssl=False)
            async with aiohttp.ClientSession(headers=own, connector=connector) as http:
                player = Player(server, http)
                player.root = f"{url}/live"
                paths = await media(player)
                for path in paths:
                    answers = await asyncio.gather(*(player.get(path) for _ in range(3)))
                    assert [status for status, _, _ in answers] == [200] * 3
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as http:
                for path in paths:
                    async with http.get(f"{url}/live/{path}") as answer:
                        assert answer.status == 401
