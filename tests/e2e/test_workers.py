"""A server with workers: one is killed, and its viewers are back on the other, each by their own means."""

import asyncio
import os
import signal
import socket
import time
from typing import Any
from urllib.request import urlopen

import psutil
import pytest
import pytest_asyncio

from broadcast.client.whep import WhepViewer
from demo.server import Server
from tests.support import browsers
from tests.support.cast import Audience, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUIET = 0.6  # seconds without a packet after which our client asks whether it is still known


def neighbours() -> int:
    """The first of two UDP ports side by side that were free a moment ago."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second:
                try:
                    second.bind(("127.0.0.1", port + 1))
                except OSError:
                    continue
                return port


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start_server: Any, event_table: Any) -> Server:
    started: Server = await start_server(event_table(2, server={"workers": "2", "worker_udp": neighbours()}))
    await until_ready(started)
    return started


def workers(server: Server) -> list[psutil.Process]:
    """The workers' processes."""
    assert server.process is not None
    children = psutil.Process(server.process.pid).children()
    return [each for each in children if "broadcast.workers" in each.cmdline()]


async def until_ready(server: Server) -> None:
    """Both workers take viewers."""

    async def ready() -> float:
        return await metric(server, "pavilion_workers_ready")

    await eventually("two workers", ready, (2.0).__eq__, within=60)


async def metric(server: Server, name: str) -> float:
    """One of the server's figures."""
    text = await asyncio.to_thread(lambda: urlopen(f"{server.url}/metrics", timeout=10).read().decode())
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} "))


def serving(server: Server, answer: str) -> psutil.Process:
    """The worker that an SDP answer leads to."""
    ports = {int(line.split()[5]) for line in answer.splitlines() if line.startswith("a=candidate:")}
    for process in workers(server):
        if {each.laddr.port for each in process.net_connections("udp")} & ports:
            return process
    raise AssertionError(f"no worker listens on {ports}")


class Fan:
    """Our own client, which joins anew when the server has forgotten it."""

    def __init__(self, server: Server) -> None:
        self.joined = 0
        self._url = f"{server.url}/whep"
        self._last = 0.0
        self.viewer: WhepViewer

    async def join(self) -> None:
        self.viewer = WhepViewer(self._url)
        self.viewer.on_packet = self._packet
        await self.viewer.watch()
        self._last = time.monotonic()
        self.joined += 1

    async def stay(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(QUIET / 4)
            if time.monotonic() - self._last > QUIET and not await self.viewer.known():
                await self.viewer.close()
                await self.join()

    def _packet(self, packet: bytes, arrival: float) -> None:
        self._last = arrival


async def test_our_client_is_back_on_the_other_worker(server: Server) -> None:
    """kill -9 of one of two workers: its viewer joins the other, whose own viewer notices nothing, and the
    dead one is replaced."""
    fans = [Fan(server), Fan(server)]
    for fan in fans:
        await fan.join()
    lost, kept = fans
    first, second = (serving(server, fan.viewer.answer) for fan in fans)
    assert first.pid != second.pid
    tasks = [asyncio.create_task(fan.stay()) for fan in fans]
    try:
        os.kill(first.pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            while lost.joined < 2 or lost.viewer.packets < 50:  # noqa: ASYNC110 - packets come one by one
                await asyncio.sleep(0.02)
        assert first.pid not in [each.pid for each in workers(server) if each.is_running()]
        assert kept.joined == 1
        await until_ready(server)
        assert await metric(server, "pavilion_workers_restarts") == 1
        assert await metric(server, "pavilion_workers_viewers") == 2
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for fan in fans:
            await fan.viewer.close()


async def test_a_page_is_back_on_the_other_worker(server: Server, chromium: Any) -> None:
    """The page notices by itself that nothing comes and that its session has ended, long before ICE would."""
    await until_ready(server)
    page = await browsers.page(await chromium.browser(), f"{server.url}/watch")
    audience = Audience(page)
    await audience.settle()
    await audience.more_pictures(10)
    for process in workers(server):
        os.kill(process.pid, signal.SIGKILL)  # whichever it is on: then the server's own port serves

    async def connected_again() -> bool:
        return await audience.connections() >= 2 and (await audience.received())["peers"] == 1

    await eventually("a new connection", connected_again, within=60)

    async def shown() -> int:
        return int((await audience.received()).get("video.framesDecoded", 0))

    await eventually("pictures again", shown, lambda now: now > 10, within=60)
    await page.close()
