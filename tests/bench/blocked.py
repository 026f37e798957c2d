"""The part `blocked`: the viewer's page where UDP is swallowed, and over `kill -9` of the server."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Browser, Page

from demo.server import Server, shortened
from tests.bench.figures import Figure
from tests.bench.hall import ROOT, clock_offset
from tests.support import browsers
from tests.support.cast import eventually
from tests.support.networks import Lines, NotPermitted

OPENINGS, KILLS = 5, 2
WATCHED = 6.0  # seconds before the server is killed, and until it counts that pictures are back

# When each picture of LL-HLS was presented, in ms since the page was asked for.
LOOK = """() => {
    window.shown = [];
    const video = document.querySelector("#replay video");
    const look = (now, { presentationTime }) => {
        if (document.body.dataset.way === "hls" && shown.length < 20000) shown.push(presentationTime);
        video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
}"""


def run() -> list[Figure]:
    """Measure, and say."""
    with tempfile.TemporaryDirectory(prefix="pavilion-blocked-") as folder:
        try:
            return asyncio.run(_measure(Path(folder)))
        except NotPermitted as refusal:
            return [Figure("where UDP is blocked", None, note=str(refusal))]


async def _measure(folder: Path) -> list[Figure]:
    with Lines() as lines:
        lines.swallow_udp()
        table = shortened(ROOT / "config.toml", seconds=7200.0, lead=-10)
        server = Server(table, folder / "server", host=lines.server)
        chromium = browsers.Chromium()
        try:
            await server.start()
            program = lines.wrapper(browsers.installed(browsers.CHROMIUM, "Chromium", "chromium"), folder)
            browser = await chromium.browser(program=program)
            opened = []
            for _ in range(OPENINGS):
                page = await _open(browser, server)
                opened.append(await _first(page))
                await page.context.close()
            page = await _open(browser, server)
            await _first(page)
            backs = [await _kill(server, page) for _ in range(KILLS)]
        finally:
            await chromium.close()
            await server.stop()
    note = f"{OPENINGS} openings of the page; median {sorted(opened)[OPENINGS // 2] / 1000:.1f}"
    away = ", ".join(f"{seconds:.1f}" for _, seconds, _ in backs)
    return [
        Figure("UDP blocked: picture after opening, longest", max(opened) / 1000, "s", 5, note=note),
        Figure(
            "kill -9: pictures again after the server is, longest",
            max(back for back, _, _ in backs),
            "s",
            5,
            note=f"{KILLS} kills, without a reload; the server was away for {away} s",
        ),
        Figure("kill -9: of what one can go back to is lost", max(lost for *_, lost in backs), "s", 0),
    ]


async def _open(browser: Browser, server: Server) -> Page:
    page = await browsers.page(browser, f"{server.url}/watch")
    await page.evaluate(LOOK)
    return page


async def _first(page: Page) -> float:
    """ms from the page's beginning to its first picture by LL-HLS."""
    found = await eventually("a picture", lambda: page.evaluate("shown[0] ?? null"), _is_there, 60)
    return float(found)


async def _kill(server: Server, page: Page) -> tuple[float, float, float]:
    """Seconds from when the server answers again to the first new picture; for which it was away; and by
    which what one can go back to begins later than before."""
    await asyncio.sleep(WATCHED)
    assert server.process is not None, "it runs"
    offset, since = await clock_offset(page), await _since(server)
    killed = time.monotonic()
    server.process.kill()
    await asyncio.to_thread(server.process.wait)
    await server.start()
    up = time.monotonic()
    # What was buffered is over by now: whatever comes is of after the restart.
    script = "(from) => shown.find((at) => at > from) ?? null"
    at = await eventually(
        "pictures", lambda: page.evaluate(script, killed * 1000 + offset + 2000), _is_there, 60
    )
    back = ((at - offset) / 1000) - up
    return max(0.0, back), up - killed, (await _since(server) - since) / 1000


async def _since(server: Server) -> float:
    """The Unix ms of the oldest picture that one can go back to."""
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/api/chapters") as answer:
        return float((await answer.json())["rewind"]["from"])


def _is_there(found: Any) -> bool:
    return found is not None
