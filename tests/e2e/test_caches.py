"""Behind real caches, with the files of docs/caching: many players cost the origin what one costs."""

import asyncio
import re
import ssl
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import pytest_asyncio

from demo.server import Server
from tests.support import caches
from tests.support.hls_rules import check
from tests.support.polling import poll

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLIENTS, SECONDS = 200, 8.0
AHEAD = 40  # parts, ten seconds: nearer ones are soon there
SMALL = {"width": 320, "height": 180, "video_kbps": 200, "burst_kbit": 100, "renditions": []}
KINDS = {"nginx": caches.nginx, "varnish": caches.varnish}
PROGRAMS = {"nginx": "nginx", "varnish": "varnishd"}
TRUSTING = ssl._create_unverified_context()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start_server: Any, event_table: Any) -> Server:
    started: Server = await start_server(event_table(1, programme=SMALL))
    return started


def get(url: str, **headers: str) -> tuple[int, Any, bytes]:
    """One request, whatever its status."""
    from urllib.error import HTTPError

    try:
        with urlopen(Request(url, headers=headers), timeout=60, context=TRUSTING) as answer:
            return answer.status, answer.headers, answer.read()
    except HTTPError as error:
        return error.code, error.headers, error.read()


async def asked(server: Server) -> int:
    """How many playlists and parts the origin was asked for since it started."""
    _, _, text = await asyncio.to_thread(get, f"{server.url}/metrics")
    counts = re.findall(r"^pavilion_hls_asked_\w+ (\d+)", text.decode(), re.M)
    assert len(counts) == 2
    return sum(map(int, counts))


async def first_playlist(url: str) -> str:
    """The media playlist's URL, once there is one and something in it."""
    for _ in range(600):
        status, _, body = await asyncio.to_thread(get, f"{url}/live/index.m3u8")
        if status == 200:
            path = next(line for line in body.decode().splitlines() if not line.startswith("#"))
            await asyncio.to_thread(get, f"{url}/live/{path}?_HLS_msn=1")
            return f"{url}/live/{path}"
        await asyncio.sleep(0.1)
    raise AssertionError("no programme")


@pytest.mark.parametrize("kind", KINDS)
async def test_many_players_are_one(server: Server, kind: str, tmp_path: Path, tcp_port: int) -> None:
    """Two hundred players get every part, all the same bytes, and the origin is asked hardly more than once
    for each; what is wrong is never kept."""
    if caches.program(PROGRAMS[kind]) is None:
        pytest.skip(f"{kind} is not installed. Say: apt-get install {kind}")
    async with KINDS[kind](tmp_path / kind, tcp_port, server.http) as url:
        playlist = await first_playlist(url)
        before = await asked(server)
        found = await poll(playlist, CLIENTS, SECONDS)
        spent = await asked(server) - before
        assert found["statuses"].keys() == {"200"}, found["statuses"]
        assert found["unlike"] == 0
        assert found["parts"] > 8
        # The plain playlist, with which each begins, is kept for a second.
        most = 1.1 * len(found["paths"]) + 1 + found["coming"]
        assert spent <= most, f"{spent} for {len(found['paths'])} different ones"
        await _keeps_nothing_wrong(playlist)
        _, headers, body = await asyncio.to_thread(get, playlist, **{"Accept-Encoding": "identity"})
        assert headers["Content-Encoding"] in (None, "identity")
        check(body.decode())


async def test_http_2(server: Server, tmp_path: Path, tcp_port: int) -> None:
    """One connection by HTTP/2 carries the playlists, and a part that is still waited for, all at once."""
    if caches.program("nginx") is None or caches.program("curl") is None:
        pytest.skip("nginx and curl are needed. Say: apt-get install nginx-light curl")
    async with caches.nginx(tmp_path / "nginx", tcp_port, server.http) as url:
        playlist = await first_playlist(url)
        _, _, body = await asyncio.to_thread(get, playlist)
        hint = re.findall(r'HINT:TYPE=PART,URI="(part-\d+\.m4s)', body.decode())[0]
        wanted = [f"{url}/live/index.m3u8", playlist, playlist.replace("media.m3u8", hint)]
        options = ["--http2", "--insecure", "--silent", "--show-error", "--fail", "--max-time", "60"]
        options += ["--parallel", "--write-out", "%{http_version} %{http_code} %{num_connects}\n"]
        command = ["curl", *options]
        for each in wanted:
            command += ["--output", "/dev/null", each]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        answers = sorted(line.split() for line in said.decode().splitlines())
        assert [answer[:2] for answer in answers] == [["2", "200"]] * 3
        assert sum(int(answer[2]) for answer in answers) == 1, "one connection"


async def _keeps_nothing_wrong(playlist: str) -> None:
    """A part that is not there yet is not there; later it is."""
    _, _, body = await asyncio.to_thread(get, playlist)
    number = int(re.findall(r'HINT:TYPE=PART,URI="part-(\d+)', body.decode())[0]) + AHEAD
    early = playlist.replace("media.m3u8", f"part-{number}.m4s")
    status, headers, _ = await asyncio.to_thread(get, early)
    assert (status, headers["Cache-Control"]) == (404, "no-store")
    for _ in range(300):
        status, _, _ = await asyncio.to_thread(get, early)
        if status == 200:
            return
        await asyncio.sleep(0.2)
    raise AssertionError("a 404 was kept")
