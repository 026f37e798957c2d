"""LL-HLS over HTTP: headers, errors, players of others, and a server that is killed."""

import asyncio
import gzip
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from demo.server import Server
from tests.support.hls_rules import Playlist, check

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL = {"width": 320, "height": 180, "video_kbps": 300, "burst_kbit": 150, "renditions": []}
PATIENCE = aiohttp.ClientTimeout(60)


class Player:
    """Plays by polling, as a player does."""

    def __init__(self, server: Server, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.root = f"{server.url}/live"

    async def get(self, path: str, **query: Any) -> tuple[int, "aiohttp.typedefs.LooseHeaders", bytes]:
        async with self.http.get(f"{self.root}/{path}", params=query, timeout=PATIENCE) as answer:
            return answer.status, answer.headers, await answer.read()

    async def find(self) -> str:
        """The folder of the first rendition, once there is one."""
        for _ in range(300):
            status, _, body = await self.get("index.m3u8")
            if status == 200:
                return next(line for line in body.decode().splitlines() if not line.startswith("#"))[:-10]
            await asyncio.sleep(0.1)
        raise AssertionError("no programme")

    async def playlist(self, base: str, **query: Any) -> Playlist:
        status, _, body = await self.get(f"{base}media.m3u8", **query)
        assert status == 200, body
        return check(body.decode())

    async def until(self, base: str, msn: int) -> None:
        """Wait for this segment, one after the other: nothing may be asked for far ahead."""
        for number in range(msn + 1):
            await self.playlist(base, _HLS_msn=number)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start_server: Any, event_table: Any) -> Server:
    started: Server = await start_server(event_table(1, programme=SMALL))
    return started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def player(server: Server) -> AsyncIterator[Player]:
    async with aiohttp.ClientSession() as http:
        yield Player(server, http)


async def test_following_the_programme(player: Player) -> None:
    """A player that asks for one version after the other gets each once it is there, and all its media."""
    base = await player.find()
    await player.until(base, 0)
    now = await player.playlist(base, _HLS_msn=1, _HLS_part=1)
    assert now.segments[1].parts
    status, headers, init = await player.get(base + now.segments[0].map)
    assert (status, headers["Content-Type"]) == (200, "video/mp4")
    assert init[4:8] == b"ftyp"
    pieces = []
    for part in now.segments[0].parts:
        status, headers, data = await player.get(base + part.uri)
        assert status == 200
        assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
        pieces.append(data)
    status, headers, whole = await player.get(base + now.segments[0].uri)
    assert whole == b"".join(pieces)
    assert headers["Access-Control-Allow-Origin"] == "*"
    status, _, hinted = await player.get(base + now.hint)
    assert (status, hinted[4:8]) == (200, b"moof")


async def test_what_caches_are_told(player: Player) -> None:
    """Playlists may be kept shortly, a waited one longer; errors never; a player may ask for gzip."""
    base = await player.find()
    asked = ((f"{base}media.m3u8", {}), (f"{base}media.m3u8", {"_HLS_msn": 1}), ("index.m3u8", {}))
    ages = [(await player.get(path, **query))[1]["Cache-Control"] for path, query in asked]
    assert ages == ["public, max-age=1", "public, max-age=4", "public, max-age=1"]
    url = f"{player.root}/{base}media.m3u8"
    async with player.http.get(url, auto_decompress=False, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Vary"] == "Accept-Encoding"
        check(gzip.decompress(await answer.read()).decode())
    async with player.http.get(url, headers={"Accept-Encoding": "identity"}) as answer:
        assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("{base}part-999999.m4s", {}, 404, "not_found"),
        ("{base}part-x.m4s", {}, 404, "not_found"),
        ("{base}seg-999999.m4s", {}, 404, "not_found"),
        ("{base}init-7.mp4", {}, 404, "not_found"),
        ("{session}/nobody/media.m3u8", {}, 404, "session_over"),
        ("19990101t000000-abcdef/main/media.m3u8", {}, 404, "session_over"),
        ("{session}/thumbs/1.jpg", {}, 404, "not_found"),
        ("{base}media.m3u8", {"_HLS_part": 1}, 400, "bad_hls_part"),
        ("{base}media.m3u8", {"_HLS_msn": 99999}, 400, "too_far"),
        ("{base}media.m3u8", {"_HLS_msn": "-1"}, 400, "bad_hls_query"),
        ("{base}..%2f..%2fsession.json", {}, 404, "not_found"),
    ],
)
async def test_errors(player: Player, path: str, query: dict[str, Any], status: int, code: str) -> None:
    """What is not there, or cannot be, is said so in the one shape, to all origins, and never kept."""
    base = await player.find()
    url = path.format(base=base, session=base.split("/")[0])
    found, headers, body = await player.get(url, **query)
    assert (found, code.encode() in body) == (status, True)
    assert headers["Cache-Control"] == "no-store"
    assert headers["Access-Control-Allow-Origin"] == "*"


async def probe(*command: str) -> str:
    """A program's output; fails with what it says when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 90)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, out.decode()
    return out.decode()


async def test_ffmpeg_plays_it(player: Player) -> None:
    """FFmpeg follows the live playlist and finds pictures and sound without a complaint."""
    base = await player.find()
    await player.until(base, 3)
    found = await probe(
        *("ffmpeg", "-nostdin", "-v", "warning", "-i", f"{player.root}/index.m3u8"),
        *("-t", "4", "-f", "null", "-"),
    )
    assert not [line for line in found.splitlines() if "error" in line.lower()], found


async def test_gstreamer_plays_it(player: Player) -> None:
    """GStreamer's HLS client hands on a hundred pictures, where it is installed."""
    if shutil.which("gst-inspect-1.0") is None or subprocess.call(
        ["gst-inspect-1.0", "--exists", "hlsdemux"]
    ):
        pytest.skip("GStreamer's HLS client is not installed. Say: sh tests/browsers.sh")
    base = await player.find()
    await player.until(base, 5)  # this client wants some segments before it begins
    process = await asyncio.create_subprocess_exec(
        *("gst-launch-1.0", "-v", "souphttpsrc", f"location={player.root}/index.m3u8", "!", "hlsdemux"),
        *("!", "qtdemux", "name=d", "d.video_0", "!", "h264parse", "!", "fakesink", "silent=false"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    pictures, said = 0, b""
    try:
        async with asyncio.timeout(90):
            while pictures < 100 and (line := await process.stdout.readline()):
                pictures += b"chain" in line
                said = (said + line)[-4000:]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    assert pictures == 100, said.decode(errors="replace")


async def test_thumbnails(server: Server, player: Player) -> None:
    """A small picture of the programme is there soon after each multiple of ten seconds."""
    base = await player.find()
    session = base.split("/")[0]
    folder = server.folder / "data" / "programme" / session / "thumbs"
    for _ in range(300):
        if found := sorted(folder.glob("*.jpg")):
            break
        await asyncio.sleep(0.1)
    assert int(found[0].stem) % 10 == 0
    status, headers, body = await player.get(f"{session}/thumbs/{found[0].name}")
    assert (status, headers["Content-Type"], body[:2]) == (200, "image/jpeg", b"\xff\xd8")


async def test_after_a_kill(server: Server, player: Player, tmp_path: Path) -> None:
    """Killed in mid-part and started again, the same URLs go on: a discontinuity, the next numbers, and all
    of what was before, playable as it lies on the disk."""
    base = await player.find()
    before = await player.playlist(base)
    last = before.first + len(before.over)
    assert server.process is not None
    server.process.kill()
    server.process.wait(30)
    await server.start()
    after = await player.playlist(base, _HLS_msn=last + 1, _HLS_part=2)
    assert await player.find() == base
    assert after.first == before.first
    assert [s.uri for s in after.over[: len(before.over)]] == [s.uri for s in before.over]
    assert any(segment.discontinuity for segment in after.segments[len(before.over) :])
    folder = server.folder / "data" / "programme" / base
    whole = tmp_path / "programme.mp4"
    with whole.open("wb") as out:
        out.write((folder / "init-0.mp4").read_bytes())
        for segment in after.over:
            out.write((folder / segment.uri).read_bytes())
    found = await probe("ffmpeg", "-nostdin", "-v", "warning", "-i", str(whole), "-f", "null", "-")
    assert not found.strip(), found
