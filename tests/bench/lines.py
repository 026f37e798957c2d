"""Bad lines: packets lost, late and shaken, a line too thin and one that recovers, for Chromium that watches
and Chromium that speaks.

Where this machine permits, Chromium is in a network namespace behind a veth: tbf holds it to a rate,
nftables loses packets at random, and a relay (tests/support/relay.py) adds delay and jitter. Elsewhere the
relay does it all. A lively clip is on air, which fills the programme's rate.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import Coroutine
from itertools import pairwise
from pathlib import Path

from playwright.async_api import Page

from demo.control import Refused
from demo.server import ServerFailed
from tests.bench import rows as of_rows
from tests.bench.figures import Figure, median, percentile
from tests.support import networks
from tests.support.lines import SPEAK, Lines, lively, until_height

ROOT = Path(__file__).parents[2]
WATCHED = 30.0  # seconds of each measurement
SETTLE = 3.0  # seconds until a connection has settled
THIN = 600e3  # bit/s
PATIENCE = 40.0  # seconds
JOINS = 50
SPEAKER = "thony"
WATCH_FEED = """async ([url, pass]) => {
    window.watched = await probe.whep(url, pass);
    window.eye = new probe.Watch(watched.video, {});
}"""


def run(quick: bool) -> list[Figure]:
    """Measure all."""
    return _guarded("bad lines", _all(10.0 if quick else WATCHED))


def joins(quick: bool) -> list[Figure]:
    """Chromium joins, at any point of the group of pictures."""
    return _guarded("Chromium joins", _joins(10 if quick else JOINS))


def _guarded(name: str, work: Coroutine[None, None, list[Figure]]) -> list[Figure]:
    try:
        return asyncio.run(work)
    except (Refused, ServerFailed, TimeoutError, ConnectionError) as error:
        return [Figure(name, None, bar=0, note=f"could not be measured: {error!r}")]


async def _all(seconds: float) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="pavilion-lines-") as folder, contextlib.ExitStack() as stack:
        network, how = _network(stack)
        figures = [Figure("rate and loss of the line", None, note=how)]
        async with lively(Path(folder), _cache(), network) as lines:
            for measure in (_lossy, _thin, _thin_join, _speaker):
                lines.set()
                try:
                    figures += await measure(lines, seconds)
                except TimeoutError as error:
                    figures.append(Figure(measure.__name__, None, bar=0, note=f"not measured: {error!r}"))
    return figures


def _cache() -> Path:
    cache = ROOT / "build" / "tests"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def _network(stack: contextlib.ExitStack) -> tuple[networks.Lines | None, str]:
    """Another machine's line to this one, if that can be had, and what it is made of."""
    try:
        network = stack.enter_context(networks.Lines())
        network.limit(None)
        network.lose(0.0)
    except networks.NotPermitted as refusal:
        return None, f"by a relay, because: {refusal}"
    return network, "by tbf and nftables in a network namespace"


def _spoil(lines: Lines) -> None:
    """5 % lost both ways, 50 ms more or less 10."""
    lines.set(loss=0.05, delay=0.05, jitter=0.01)


async def _shown(page: Page, seconds: float, name: str, note: str = "") -> list[Figure]:
    """How smooth the next seconds are."""
    await page.evaluate("eye.take()")
    await asyncio.sleep(seconds)
    seen = await page.evaluate("eye.take()")
    if len(seen) < 2:
        return [Figure(f"{name}: pictures presented", 0.0, "%", 95, True)]
    share = min(100.0, 100 * of_rows.presented(seen) / of_rows.wanted(seen))
    gap = max(b[of_rows.PRESENTED] - a[of_rows.PRESENTED] for a, b in pairwise(seen))
    return [
        Figure(f"{name}: pictures presented", share, "%", 95, True, note or f"{seconds:.0f} s"),
        Figure(f"{name}: longest gap", gap, "ms", 500),
    ]


async def _lossy(lines: Lines, seconds: float) -> list[Figure]:
    _spoil(lines)
    page = await lines.viewer()
    await asyncio.sleep(SETTLE)
    figures = await _shown(page, seconds, "viewer, 5 % lost both ways, 50 ± 10 ms")
    kept = await page.evaluate("watched.video.videoHeight")
    await lines.leave(page)
    return [*figures, Figure("viewer, 5 % lost: height of its rendition", kept, "px", 720, True)]


async def _thin(lines: Lines, seconds: float) -> list[Figure]:
    page = await lines.viewer()
    await until_height(page, 720, PATIENCE)
    await asyncio.sleep(2 * SETTLE)
    lines.set(rate=THIN)
    down = await until_height(page, 360, PATIENCE)
    figures = [Figure("line falls to 600 kbit/s: until the small rendition", down, "s", 3)]
    await asyncio.sleep(1.0)
    figures += await _shown(page, seconds, "on 600 kbit/s")
    lines.set()
    up = await until_height(page, 720, PATIENCE)
    figures.append(Figure("line recovers: until the large rendition", up, "s", 15))
    figures += await _shown(page, seconds / 2, "after recovery")
    await lines.leave(page)
    return figures


async def _thin_join(lines: Lines, seconds: float) -> list[Figure]:
    lines.set(rate=THIN)
    page = await lines.page()
    await page.evaluate("void probe.whep('/whep').then((found) => { window.watched = found; })")
    took = await until_height(page, 360, PATIENCE)
    await lines.leave(page)
    return [Figure("join at 600 kbit/s: until the small rendition", took, "s", 3)]


async def _speaker(lines: Lines, seconds: float) -> list[Figure]:
    """A producer watches the feed itself on a good line, and sees what came of the speaker's pictures."""
    speaker = await lines.page()
    await speaker.evaluate(SPEAK, lines.passes[SPEAKER])
    await lines.producer.until(lambda now: SPEAKER in now.person(SPEAKER).get("feeds", ()))
    lines.relay.hold()
    watcher = await lines.page(here=True)
    await watcher.evaluate(WATCH_FEED, [f"/whep/feeds/{SPEAKER}", lines.passes["producer"]])
    await asyncio.sleep(2 * SETTLE)
    _spoil(lines)
    await asyncio.sleep(SETTLE)
    figures = await _shown(watcher, seconds, "speaker, 5 % lost both ways, 50 ± 10 ms", await _sent(speaker))
    lines.set(rate=THIN)
    await asyncio.sleep(2 * SETTLE)
    figures += await _shown(watcher, seconds, "speaker on 600 kbit/s", await _sent(speaker))
    for page in (watcher, speaker):
        await lines.leave(page)
    return figures


async def _sent(speaker: Page) -> str:
    sent = await speaker.evaluate("probe.sent()")
    return ", ".join(f"{each['width']} x {each['height']} at {each['fps']}" for each in sent)


async def _joins(count: int) -> list[Figure]:
    figures = []
    with tempfile.TemporaryDirectory(prefix="pavilion-joining-") as folder:
        async with lively(Path(folder), _cache()) as lines:
            for far, name, bar in ((False, "loopback", 150), (True, "5 Mbit/s, 20 ms", 400)):
                if far:
                    lines.set(rate=5e6, delay=0.020)
                page = await lines.page(far=far)
                found = []
                for number in range(count):
                    await asyncio.sleep(1.1 + 0.037 * number % 0.9)
                    found.append(await page.evaluate(_ONCE))
                note = f"{count} joins, median {median(found):.0f}, longest {max(found):.0f}"
                title = f"Chromium, {name}: POST to first live picture, 95th percentile"
                figures.append(Figure(title, percentile(found, 0.95), "ms", bar, note=note))
                await lines.leave(page)
    return figures


_ONCE = """async () => {
    const { pc, video, ms, posted, location } = await probe.whep("/whep");
    pc.close(); video.remove();
    await fetch(location, { method: "DELETE" });
    return ms - posted;
}"""
