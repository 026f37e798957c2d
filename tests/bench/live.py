"""LL-HLS as a viewer has it: hls.js in Chromium, through hand-offs and a dead mixer; and what many players
cost the origin."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import Page

from tests.bench import rows as of_rows
from tests.bench.figures import Figure, median, percentile, slope
from tests.bench.hall import Hall, Viewer, clock_offset, cpu_seconds
from tests.bench.rows import PRESENTED, Row
from tests.support import browsers

HAND_OFFS = 20
SETTLE = 12.0  # seconds until the player has found its place
PLAYERS, PLAYED = 500, 20.0
ROOT = Path(__file__).parents[2]

# As the viewer's page sets it up, and with every stall counted.
PLAY = """async () => {
    const { default: Hls } = await import("/lib/hls.js");
    const { CONFIG } = await import("/js/deck.js");
    const { Edge } = await import("/js/edge.js");
    const video = document.createElement("video");
    video.muted = true;
    document.body.append(video);
    const hls = new Hls(CONFIG);
    window.stalls = [];
    window.faults = [];
    video.addEventListener("waiting", () => stalls.push(performance.now()));
    hls.on(Hls.Events.ERROR, (_, data) => {
        faults.push(`${data.fatal ? "fatal " : ""}${data.details}`);
        // A server that is being started again: hls.js gives up after some seconds, the page does not.
        if (data.fatal && data.type === Hls.ErrorTypes.NETWORK_ERROR) setTimeout(() => hls.startLoad(), 500);
    });
    hls.loadSource("/live/index.m3u8");
    hls.attachMedia(video);
    await new Promise((go) => hls.once(Hls.Events.MANIFEST_PARSED, go));
    await video.play();
    window.hls = hls;
    window.edge = new Edge(video, hls);
    edge.follow();
    window.eye = new probe.Watch(video, { code: true });
}"""


async def player(hall: Hall) -> Viewer:
    """A page that plays the programme by hls.js."""
    browser = await hall.chromium.browser()
    page = await (await browsers.context(browser, bypass_csp=True)).new_page()
    await page.goto(f"{hall.server.url}/healthz")
    hall.favour()
    await page.evaluate(PLAY)
    return Viewer(page, await clock_offset(page))


async def hls(hall: Hall, viewer: Viewer) -> list[Figure]:
    """Twenty hand-offs, a killed mixer in their midst; then many players at once."""
    watching = await player(hall)
    page = watching.page
    names = list(hall.speakers)[:2]
    await hall.cue(names[0])
    await hall.take(names[0])
    await asyncio.sleep(SETTLE)
    await watching.rows()
    await page.evaluate("stalls.length = faults.length = 0")
    seen: list[Row] = []
    for number in range(1, HAND_OFFS + 1):
        await hall.producer.command("cue", talk=names[number % 2], force=True)
        await asyncio.sleep(1.2 + 0.013 * number)
        await hall.take(names[number % 2])
        if number == HAND_OFFS // 2:
            os.kill(hall.mixer().pid, signal.SIGKILL)
        await asyncio.sleep(0.5)
        seen += await watching.rows()
    await asyncio.sleep(2)
    seen += await watching.rows()
    figures = _delays(hall, watching, seen, f"{HAND_OFFS} hand-offs, a killed mixer")
    figures += await _smoothness(page, seen)
    await page.context.browser.close()  # type: ignore[union-attr]
    return figures + await _many(hall)


async def hls_long(hall: Hall, viewer: Viewer, minutes: float) -> list[Figure]:
    """Whether the delay creeps up: one player, a hand-off each half minute."""
    watching = await player(hall)
    names = list(hall.speakers)[:2]
    await hall.cue(names[0])
    await hall.take(names[0])
    await asyncio.sleep(SETTLE)
    await watching.rows()
    await watching.page.evaluate("stalls.length = faults.length = 0")
    begun, delays, number = time.monotonic(), [], 0
    while time.monotonic() - begun < minutes * 60:
        number += 1
        await hall.producer.command("cue", talk=names[number % 2], force=True)
        await asyncio.sleep(28)
        await hall.take(names[number % 2])
        await asyncio.sleep(2)
        found = of_rows.delays(await watching.rows(), _logs(hall), watching.offset)
        if found:
            delays.append(((time.monotonic() - begun) / 60, median(found)))
    ats, values = [at for at, _ in delays], [value for _, value in delays]
    note = f"{minutes:g} minutes; first {values[0]:.0f}, last {values[-1]:.0f} ms"
    return [
        Figure("LL-HLS: delay grows by, each minute", slope(ats, values), "ms", 3, note=note),
        Figure("LL-HLS over the whole time: median of medians", median(values), "ms", 1300),
        *await _smoothness(watching.page, []),
    ]


def _delays(hall: Hall, watching: Viewer, seen: list[Row], note: str) -> list[Figure]:
    found = of_rows.delays(seen, _logs(hall), watching.offset)
    if not found:
        return [Figure("LL-HLS: glass to glass, median", None, "ms", 1300, note="no picture with a code")]
    return [
        Figure("LL-HLS: glass to glass, median", median(found), "ms", 1300, note=note),
        Figure("LL-HLS: glass to glass, 95th percentile", percentile(found, 0.95), "ms", 1600),
    ]


async def _smoothness(page: Page, seen: list[Row]) -> list[Figure]:
    stalls: list[float] = await page.evaluate("stalls")
    faults: list[str] = await page.evaluate("faults")
    figures = [Figure("LL-HLS: stalls", len(stalls), "", 0, note=", ".join(dict.fromkeys(faults)))]
    if len(seen) > 1:
        figures.append(Figure("LL-HLS: longest gap between pictures", of_rows.longest_gap(seen), "ms"))
        seconds = (seen[-1][PRESENTED] - seen[0][PRESENTED]) / 1000
        figures.append(Figure("LL-HLS: seconds watched", seconds, "s"))
    return figures


async def _many(hall: Hall) -> list[Figure]:
    """Players straight at the origin, in a process of their own."""
    assert hall.server.process is not None, "the hall started its server"
    server = [psutil.Process(hall.server.process.pid)]
    before, begun = cpu_seconds(server), time.monotonic()
    await asyncio.sleep(5)
    idle = (cpu_seconds(server) - before) / (time.monotonic() - begun)
    async with _polling(hall.server.url, PLAYERS, PLAYED + 6) as report:
        await asyncio.sleep(4)
        before, begun = cpu_seconds(server), time.monotonic()
        await asyncio.sleep(PLAYED - 4)
        busy = (cpu_seconds(server) - before) / (time.monotonic() - begun)
        figures = await report()
    bad = sum(count for status, count in figures["statuses"].items() if status != "200")
    rate = figures["requests"] / (PLAYED + 6)
    note = f"{rate:.0f} requests and {figures['octets'] * 8 / (PLAYED + 6) / 1e6:.0f} Mbit a second"
    return [
        Figure(f"{PLAYERS} players at the origin: CPU for them", busy - idle, "cores", 0.5, note=note),
        Figure(f"{PLAYERS} players at the origin: answers that are not 200", bad, "", 0),
        Figure(f"{PLAYERS} players at the origin: from asking for a part, median", figures["part_ms"], "ms"),
    ]


@contextlib.asynccontextmanager
async def _polling(url: str, players: int, seconds: float) -> Any:
    playlist = await _first_playlist(url)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.polling", playlist, str(players), str(seconds)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )

    async def report() -> dict[str, Any]:
        out, _ = await asyncio.wait_for(process.communicate(), seconds + 30)
        found: dict[str, Any] = json.loads(out)
        return found

    try:
        yield report
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _first_playlist(url: str) -> str:
    import aiohttp

    async with aiohttp.ClientSession() as http, http.get(f"{url}/live/index.m3u8") as answer:
        lines = (await answer.text()).splitlines()
    return f"{url}/live/" + next(line for line in lines if line and not line.startswith("#"))


def _logs(hall: Hall) -> list[of_rows.SentLog]:
    return [speaker.log for speaker in hall.speakers.values()]
