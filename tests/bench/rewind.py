"""The part `rewind` of `make bench`: back to the talks of an event of 150 minutes, on the viewer's page."""

import asyncio
import random
import re
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from playwright.async_api import CDPSession, Page

from demo.server import Server, shortened
from tests.bench.figures import Figure, median, percentile
from tests.bench.hall import ROOT
from tests.support import browsers, codes, past
from tests.support.cast import eventually

MINUTES, QUICK_MINUTES = 150.0, 20.0
FROM_LIVE, ROUNDS = 6, 8  # rewinds from the live picture; rounds over all talks
WATCHED = 1.0  # seconds of a talk before the next is clicked
MIB = 1 << 20

# Each picture of the recording since the last press: when it was presented, its code, what the page shows.
LOOK = """() => {
    const video = document.querySelector("#replay video");
    window.pressed = Infinity;
    window.seen = [];
    document.querySelector("#timeline").addEventListener("pointerup", () => {
        seen.length = 0;
        pressed = performance.now();
    }, true);
    const look = (now, meta) => {
        if (seen.length < 600) seen.push([now - pressed, probe.code(video), document.body.dataset.way]);
        video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
}"""
BUFFERED = """() => {
    const { buffered } = document.querySelector("#replay video");
    let seconds = 0;
    for (let n = 0; n < buffered.length; n += 1) seconds += buffered.end(n) - buffered.start(n);
    return seconds;
}"""


def run(quick: bool) -> list[Figure]:
    """Measure, and say."""
    with tempfile.TemporaryDirectory(prefix="pavilion-rewind-") as folder:
        return asyncio.run(_measure(Path(folder), QUICK_MINUTES if quick else MINUTES))


async def _measure(folder: Path, minutes: float) -> list[Figure]:
    table = shortened(ROOT / "config.toml", seconds=minutes * 60 + 3600, lead=-minutes * 60)
    server = Server(table, folder)
    talks = [talk["id"] for talk in table["talks"]]
    aired = await past.make(folder / "data", table["event"]["id"], talks, minutes)
    chromium = browsers.Chromium()
    try:
        await server.start()
        page = await browsers.page(await chromium.browser(), f"{server.url}/watch", bypass_csp=True)
        return [*await _rewinds(server, page, len(aired), minutes), *await _playlists(server)]
    finally:
        await chromium.close()
        await server.stop()


async def _rewinds(server: Server, page: Page, talks: int, minutes: float) -> list[Figure]:
    await _way(page, "rtc")
    await eventually("the bar", page.locator(".timeline-strip").count, lambda n: n >= talks, 60)
    await page.evaluate(LOOK)
    chance = random.Random(5)
    live = []
    for number in range(FROM_LIVE):
        live.append(await _rewind(page, number % talks))
        await page.keyboard.press("l")
        await _way(page, "rtc")
    within: list[float] = []
    memory: list[tuple[float, float, float]] = []
    devtools = await page.context.new_cdp_session(page)
    await _rewind(page, 0)
    order = [*range(1, talks), 0]
    for _ in range(ROUNDS):
        for talk in order:
            await asyncio.sleep(WATCHED * chance.uniform(0.5, 1.5))
            within.append(await _rewind(page, talk))
        memory.append(await _memory(server, page, devtools))
    where = f"{len(within)} clicks on {talks} talks of {minutes:g} minutes; longest {max(within):.0f}"
    first = f"{len(live)} clicks; longest {max(live):.0f}; the first, which fetches hls.js, {live[0]:.0f}"
    early, late = memory[1], memory[-1]
    sizes = [f"{before:.1f} to {after:.1f} MiB" for before, after in zip(early, late, strict=True)]
    return [
        Figure("click to the talk's first picture, median", median(within), "ms", note=where),
        Figure("... 95th percentile", percentile(within, 0.95), "ms", 1000),
        Figure("... from live by WebRTC, median", median(live), "ms", note=first),
        Figure("... 95th percentile", percentile(live, 0.95), "ms", 1000),
        Figure("origin's memory grows by", late[0] - early[0], "MiB", 8, note=sizes[0]),
        Figure("player's heap grows by", late[1] - early[1], "MiB", 4, note=sizes[1]),
        Figure("buffered media at most", max(each[2] for each in memory), "s", 60),
    ]


async def _rewind(page: Page, talk: int) -> float:
    """Click where this talk begins on the bar; ms until its first picture is shown."""
    strip = await page.locator(".timeline-strip[data-talk]:not([data-talk=''])").nth(talk).bounding_box()
    assert strip is not None, "the bar is there"
    await page.mouse.click(strip["x"] + 1, strip["y"] + strip["height"] / 2)
    wanted = past.first_picture(talk)

    async def first() -> float | None:
        rows: list[Any] = await page.evaluate("seen")
        for at, code, way in rows:
            found = codes.read(code)
            if way == "hls" and found is not None and _near(found, wanted):
                return float(at)
        return None

    return float(await eventually(f"talk {talk}", first, lambda at: at is not None, 30))


def _near(found: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Whether it is the picture that the talk begins with, or one of the next few."""
    return found[0] == wanted[0] and 0 <= found[1] - wanted[1] < 10


async def _way(page: Page, way: str) -> None:
    await eventually(way, lambda: page.evaluate("document.body.dataset.way"), way.__eq__, 60)


async def _memory(server: Server, page: Page, devtools: CDPSession) -> tuple[float, float, float]:
    """The server's process and the page's heap in MiB, and seconds in the player's buffers."""
    assert server.process is not None, "it runs"
    await devtools.send("HeapProfiler.collectGarbage")
    heap = await devtools.send("Runtime.getHeapUsage")
    resident = psutil.Process(server.process.pid).memory_info().rss
    return resident / MIB, float(heap["usedSize"]) / MIB, float(await page.evaluate(BUFFERED))


async def _playlists(server: Server) -> list[Figure]:
    """What the playlist of the whole event costs on the wire, whole and as a delta update."""
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        index = (await _get(http, f"{server.url}/live/index.m3u8")).decode()
        url = f"{server.url}/live/" + next(line for line in index.splitlines() if not line.startswith("#"))
        whole, packed = await _get(http, url), await _get(http, url, "gzip")
        segments = re.findall(rb"seg-(\d+)", whole)
        delta = f"{url}?_HLS_msn={int(segments[-1]) + 2}&_HLS_part=0&_HLS_skip=YES"
        small, smaller = await _get(http, delta), await _get(http, delta, "gzip")
    note = f"{len(segments)} segments; with gzip {len(packed) / 1024:.1f} KiB"
    update = f"with gzip {len(smaller) / 1024:.2f} KiB"
    return [
        Figure("playlist", len(whole) / 1024, "KiB", note=note),
        Figure("delta playlist", len(small) / 1024, "KiB", 5, note=update),
    ]


async def _get(http: aiohttp.ClientSession, url: str, encoding: str = "identity") -> bytes:
    async with http.get(url, headers={"Accept-Encoding": encoding}) as answer:
        answer.raise_for_status()
        return await answer.read()
