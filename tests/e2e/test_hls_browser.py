"""The programme in Chromium by hls.js: near live, and over a killed server without a reload."""

import asyncio
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import pytest_asyncio
from playwright.async_api import Page

from broadcast.outputs.hls import cmaf
from broadcast.outputs.hls.store import sessions
from demo.server import Server
from tests.bench.live import PLAY
from tests.support import browsers
from tests.support.cast import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL = {"width": 320, "height": 180, "video_kbps": 300, "burst_kbit": 150, "renditions": []}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start_server: Any, event_table: Any) -> Server:
    started: Server = await start_server(event_table(1, programme=SMALL))
    return started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(server: Server, chromium: Any) -> Page:
    browser = await chromium.browser()
    opened = await (await browsers.context(browser, bypass_csp=True)).new_page()
    await opened.goto(f"{server.url}/healthz")
    await opened.evaluate(PLAY)
    return opened


async def played(page: Page) -> float:
    """Where the player is, in seconds of its own timeline."""
    found: float = await page.evaluate("hls.media.currentTime")
    return found


async def test_it_plays_near_live(page: Page) -> None:
    """Pictures and sound run, and the player knows how far it is behind."""
    begun = await played(page)
    await eventually("it plays", lambda: played(page), lambda now: now > begun + 3, 60)
    latency = await page.evaluate("hls.latency")
    assert 0 < latency < 60
    sizes = await page.evaluate("[hls.media.videoWidth, hls.media.videoHeight]")
    assert sizes == [320, 180]
    assert await page.evaluate("faults.filter((name) => name.startsWith('fatal'))") == []


def newest_part(url: str) -> int:
    """The number of the last part that the server has announced."""
    with urlopen(f"{url}/live/index.m3u8", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    playlist = f"{url}/live/" + next(line for line in lines if not line.startswith("#"))
    with urlopen(playlist, timeout=60) as answer:
        hint = re.search(r'HINT:TYPE=PART,URI="part-(\d+)', answer.read().decode())
    assert hint is not None
    return int(hint[1]) - 1


def segments(data: Path) -> list[Path]:
    """The recording's files as they lie on the disk, in order."""
    found = sessions(data)[-1].reel("main").folder.glob("seg-*.m4s")
    return sorted(found, key=lambda path: int(path.stem.removeprefix("seg-")))


def newest_kept(data: Path) -> int:
    """The number of the last whole part on the disk."""
    parts = [part.number for path in segments(data)[-2:] for part in cmaf.fragments(path.read_bytes())]
    return max(parts, default=-1)


async def test_it_goes_on_over_a_killed_server(server: Server, page: Page, tmp_path: Path) -> None:
    """What was announced is kept and plays as it is; the same player goes on, and back to before it."""
    last: int = await page.evaluate("hls.levels[hls.currentLevel].details.fragments.at(-1).sn")
    start: float = await page.evaluate("hls.levels[hls.currentLevel].details.fragmentStart")
    assert server.process is not None
    announced = await asyncio.to_thread(newest_part, server.url)

    data = server.folder / "data"
    await eventually("it is written", lambda: asyncio.to_thread(newest_kept, data), announced.__le__, 60)
    server.process.kill()
    server.process.wait(30)
    assert newest_kept(data) >= announced
    files = segments(data)
    whole = tmp_path / "whole.mp4"
    whole.write_bytes(b"".join(path.read_bytes() for path in (files[0].with_name("init-0.mp4"), *files)))
    await _decodes(whole)
    await server.start()
    await eventually(
        "a segment of after the restart",
        lambda: page.evaluate("hls.levels[hls.currentLevel].details.fragments.at(-1).sn"),
        lambda number: number > last + 2,
        90,
    )
    at = await played(page)
    await eventually("it plays on", lambda: played(page), lambda now: now > at + 2, 60)
    await page.evaluate("(start) => { edge.leave(); hls.media.currentTime = start + 0.5; }", start)
    await eventually("the past plays", lambda: played(page), lambda now: start + 1 < now < start + 30, 60)


async def _decodes(path: Path) -> None:
    """FFmpeg finds nothing wrong with this file."""
    program = shutil.which("ffmpeg")
    assert program is not None, "say: apt-get install ffmpeg"
    command = [program, "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert (process.returncode, said) == (0, b"")
