"""A server with a lively programme behind a line that can be made bad: what tests and benches share."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Page

from demo.control import Control, pass_of
from demo.recording import record
from demo.server import Server, free_port, shortened
from tests.support import browsers, networks
from tests.support.media import bursts
from tests.support.relay import Relay

ROOT = Path(__file__).parents[2]
TALK = "lively"
SECONDS = 8
CHROMIUM = (browsers.CHROMIUM, "Chromium", "chromium")
PREPARED = 120.0  # seconds for the clip to be ready and on air

JOIN = """async () => {
    window.watched = await probe.whep("/whep");
    window.eye = new probe.Watch(watched.video, {});
    return watched.ms;
}"""
# A camera and microphone (fake ones) published by WHIP.
SPEAK = """async (pass) => {
    const pc = new RTCPeerConnection();
    const stream = await navigator.mediaDevices.getUserMedia(
        { video: { width: 1280, height: 720, frameRate: 30 }, audio: true });
    for (const track of stream.getTracks()) {
        pc.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    }
    await pc.setLocalDescription();
    const headers = { "Content-Type": "application/sdp", Authorization: `Bearer ${pass}` };
    const answer = await fetch("/whip", { method: "POST", headers, body: pc.localDescription.sdp });
    await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    window.speaking = pc;
}"""


def lively_clip(cache: Path) -> Path:
    """A clip with as much movement and detail as fills the programme's rate. Made once."""
    path = cache / "lively-1.mkv"
    if not path.exists():
        record(path, _lively(SECONDS * 30), bursts(440.0, SECONDS), kbps=4000)
    return path


def _lively(count: int) -> Iterator[NDArray[np.uint8]]:
    dice = np.random.default_rng(3)
    coarse = dice.integers(0, 120, (120, 180, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    fine = dice.integers(0, 60, (960, 1440, 3), dtype=np.uint8)
    texture = coarse + fine
    for number in range(count):
        right, down = int(80 + 70 * np.sin(number / 11)), int(120 + 100 * np.sin(number / 17))
        yield texture[down : down + 720, right : right + 1280]


@dataclass
class Lines:
    """`async with lively(folder) as lines`: the programme runs, and `relay` is every browser's line to it.
    With a `network` browsers are on another machine, and the kernel loses packets and holds the rate."""

    server: Server
    relay: Relay
    producer: Control
    passes: dict[str, str]
    chromium: browsers.Chromium
    network: networks.Lines | None = None
    folder: Path = Path()

    def set(
        self, *, loss: float = 0.0, delay: float = 0.0, jitter: float = 0.0, rate: float | None = None
    ) -> None:
        """What the line is like from now on, both ways: see relay.py."""
        for way, seed in ((self.relay.down, 1), (self.relay.up, 2)):
            way.delay, way.jitter = delay, jitter
            way.loss, way.rate = (0.0, None) if self.network else (loss, rate)
            way.dice.seed(seed)
        if self.network is not None:
            self.network.limit(rate)
            self.network.lose(loss)

    async def page(self, *, far: bool = False, here: bool = False) -> Page:
        """A plain page of the server in a browser of its own. `far`: HTTP goes over the line, too; `here`:
        the browser is on this machine in any case."""
        away = None if here else self.network
        url = f"http://{self.relay.tcp[0]}:{self.relay.tcp[1]}" if far or away else self.server.url
        browser = await self.chromium.browser(
            None,
            None,
            f"--unsafely-treat-insecure-origin-as-secure={url}",  # no camera without
            program=away and away.wrapper(browsers.installed(*CHROMIUM), self.folder),
        )
        page = await (await browsers.context(browser, bypass_csp=True)).new_page()
        await page.goto(f"{url}/healthz")
        return page

    async def viewer(self) -> Page:
        """A browser that watches."""
        page = await self.page()
        await page.evaluate(JOIN)
        return page

    async def leave(self, page: Page) -> None:
        """The browser goes, and says so: else what it is sent would fill the line for half a minute more."""
        await page.evaluate("probe.leave()")
        assert page.context.browser is not None, "it was opened here"
        await page.context.browser.close()


async def height(page: Page) -> int:
    """Of the picture that is shown now."""
    found: int = await page.evaluate("document.querySelector('video')?.videoHeight ?? 0")
    return found


async def until_height(page: Page, wanted: int, patience: float) -> float:
    """Seconds until the picture has this height. Raises TimeoutError."""
    begun = time.monotonic()
    async with asyncio.timeout(patience):
        while await height(page) != wanted:  # noqa: ASYNC110 - it is the browser that changes it
            await asyncio.sleep(0.03)
    return time.monotonic() - begun


def _up(control: Control, feed: str) -> bool:
    return any(each["id"] == feed for each in control.health.get("feeds", ()))


@contextlib.asynccontextmanager
async def lively(folder: Path, cache: Path, network: networks.Lines | None = None) -> AsyncIterator[Lines]:
    """The lively clip is on air."""
    clip = await asyncio.to_thread(lively_clip, cache)
    table: dict[str, Any] = shortened(ROOT / "config.toml", seconds=36000, lead=-10)
    table["clips"] = [{"id": TALK, "file": str(clip), "loop": True}]
    table["talks"] = [{"id": TALK, "title": "Lively", "clip": TALK, "minutes": 600}, *table["talks"][:1]]
    server = Server(table, folder, udp=free_port(socket.SOCK_DGRAM))
    async with contextlib.AsyncExitStack() as stack:
        ends = ("127.0.0.1", server.udp), ("127.0.0.1", server.http)
        host = network.server if network else "127.0.0.1"
        relay = await stack.enter_async_context(Relay(*ends, host=host))
        table.setdefault("server", {})["advertise"] = [f"{host}:{relay.udp[1]}"]
        stack.push_async_callback(server.stop)
        await server.start()
        passes = {ident: pass_of(link) for ident, link in (await server.links()).items()}
        producer = await stack.enter_async_context(Control(server.url, passes["producer"], "lines"))
        # The clip is prepared once; a busy machine takes a while for it.
        await producer.until(lambda now: _up(now, f"clip.{TALK}"), PREPARED)
        await producer.command("take", talk=TALK, force=True)
        await producer.until(lambda now: now.air == TALK, PREPARED)
        chromium = browsers.Chromium()
        stack.push_async_callback(chromium.close)
        yield Lines(server, relay, producer, passes, chromium, network, folder)
