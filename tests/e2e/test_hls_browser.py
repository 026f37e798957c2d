"""The programme in Chromium by hls.js: near live, and over a killed server without a reload."""

from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

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


async def test_it_goes_on_over_a_killed_server(server: Server, page: Page) -> None:
    """The same player plays what comes after the restart, without a reload, and can go back to before it."""
    before: str = await page.evaluate("hls.levels[hls.currentLevel].details.fragments.at(-1).relurl")
    start: float = await page.evaluate("hls.levels[hls.currentLevel].details.fragmentStart")
    assert server.process is not None
    server.process.kill()
    server.process.wait(30)
    await server.start()
    last = int(before.removeprefix("seg-").removesuffix(".m4s"))
    await eventually(
        "a segment of after the restart",
        lambda: page.evaluate("hls.levels[hls.currentLevel].details.fragments.at(-1).sn"),
        lambda number: number > last + 2,
        90,
    )
    at = await played(page)
    await eventually("it plays on", lambda: played(page), lambda now: now > at + 2, 60)
    await page.evaluate(
        "(start) => { clearInterval(window.jumping); hls.media.currentTime = start + 0.5; }", start
    )
    await eventually("the past plays", lambda: played(page), lambda now: start + 1 < now < start + 30, 60)
