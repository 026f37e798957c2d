"""A server with workers: who serves whom, and a viewer of ours that comes back by itself."""

import asyncio
import contextlib
import socket
import time
from urllib.request import urlopen

import psutil

from broadcast.client.whep import WhepViewer
from broadcast.errors import RequestError
from demo.server import Server
from tests.support.cast import eventually

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
                with contextlib.suppress(RequestError):  # too busy yet: the next look tries again
                    await self.join()

    def _packet(self, packet: bytes, arrival: float) -> None:
        self._last = arrival
