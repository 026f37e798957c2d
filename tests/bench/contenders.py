"""Who is measured side by side: the floor in C, ours, Janus; and the ears that only count."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from broadcast.client import harvest
from broadcast.client.crowd import SWEEP, Crowd
from broadcast.client.harvest import Harvest
from broadcast.client.tally import AUDIO, Tally
from tests.bench.janus import Janus, JanusViewer

PORT = 18090
HERE = Path(__file__).parent
JOINS = 60.0  # a second
FIRST = 3.0  # seconds after the first until memory is looked at: its history is full then
SOUND = 111  # payload type
FLOORS = {"sealed": "floor (C), sealed", "libsrtp": "floor (C), libsrtp"}
OURS = {"compiled": "Pavilion, compiled core", "plain": "Pavilion, pure Python"}
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Reading:
    """One contender with so many viewers. CPU in us a delivered packet; loss in packets a million."""

    name: str
    viewers: int
    joined: int
    cpu: float
    user: float
    packets: float  # a viewer a second
    lost: float
    busy: float  # cores
    sound_99: float | None  # ms
    gap: float  # ms without a picture, the longest
    memory: float  # KB a viewer

    @property
    def per_core(self) -> float:
        """Viewers that one core would carry."""
        return 1e6 / (self.cpu * self.packets) if self.cpu and self.packets else 0.0


class Ears:
    """Sockets that take what comes, for the floor, whose viewers shake no hands. Reads like a Crowd."""

    def __init__(self, host: str, count: int) -> None:
        self.tally = Tally(count)
        self.socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        self._harvest = Harvest()
        for sock in self.socks:
            sock.bind((host, 0))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            harvest.prepare(sock)

    @property
    def members(self) -> list[socket.socket]:
        return self.socks

    def drops(self) -> int:
        return harvest.dropped(self.socks)

    def settle(self) -> None:
        for index, sock in enumerate(self.socks):
            self._harvest.read(index, sock.fileno())
            if self._harvest.full:
                self._count()
        self._count()

    def _count(self) -> None:
        owners, heads, lengths, times = self._harvest.rows()
        if len(owners):
            self.tally.take(owners, heads, lengths, times, SOUND)
        self._harvest.clear()

    async def listen(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(SWEEP)
            self.settle()

    def close(self) -> None:
        for sock in self.socks:
            sock.close()


@dataclass(frozen=True, slots=True)
class Place:
    """Where it all happens: `host` is an address of this machine."""

    folder: Path
    recording: Path
    host: str
    core: int | None = None  # the only one that the server may use


@contextlib.asynccontextmanager
async def process(place: Place, *words: str, tell: str = "") -> AsyncIterator[int]:
    """A Python module of ours as a server, from its "ready" on; gives its process number."""
    command = [sys.executable, "-m", *words]
    if place.core is not None:
        command = ["taskset", "-c", str(place.core), *command]
    child = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=HERE.parents[1]
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(tell.encode() + b"\n")
        async with asyncio.timeout(30):
            assert await child.stdout.readline() == b"ready\n", f"{words} did not start"
        yield child.pid
    finally:
        with contextlib.suppress(ProcessLookupError):  # it has failed by itself
            child.kill()
        await child.wait()


async def ours(place: Place, viewers: int, warm: float, seconds: float, core: str) -> Reading:
    """Pavilion's fan-out, with real WHEP viewers. `core`: "compiled" or "plain"."""
    words = ("tests.bench.stand", str(place.recording), str(PORT), place.host, core)
    async with process(place, *words) as pid, Crowd(f"http://{place.host}:{PORT}/whep", viewers) as crowd:
        before = await gather(crowd, pid, viewers)
        return await reading(OURS[core], crowd, pid, viewers, before, warm, seconds)


async def janus(place: Place, viewers: int, warm: float, seconds: float, general: str) -> Reading:
    """Janus's streaming plugin, with the same viewers by its own door."""
    server = Janus(place.folder / "janus", place.recording, place.host, general)
    try:
        pid = await server.start()
        async with Crowd(server.url, viewers, kind=JanusViewer) as crowd:
            before = await gather(crowd, pid, viewers)
            name = f"Janus, {general}" if general else "Janus, default"
            return await reading(name, crowd, pid, viewers, before, warm, seconds)
    finally:
        await server.stop()


async def floor(place: Place, viewers: int, warm: float, seconds: float, cipher: str) -> Reading:
    """Encrypt and send in C, nothing else. `cipher`: "sealed" or "libsrtp"."""
    ears = Ears(place.host, viewers)
    listening = asyncio.create_task(ears.listen())
    ports = json.dumps([sock.getsockname()[1] for sock in ears.socks])
    words = ("tests.bench.floor", str(place.recording), str(place.folder / "floor.so"), place.host, cipher)
    try:
        async with process(place, *words, tell=ports) as pid:
            return await reading(FLOORS[cipher], ears, pid, viewers, memory(pid), warm, seconds)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        ears.close()


async def gather(crowd: Crowd, pid: int, viewers: int) -> float:
    """Everybody in. Returns the server's memory in KB after the first, when all that is there once is there
    (the recording, history, libraries): the rest is what the others cost."""
    await crowd.join(1)
    await asyncio.sleep(FIRST)
    before = memory(pid)
    await crowd.join(viewers - 1, (viewers - 1) / JOINS)
    return before


async def reading(
    name: str, crowd: Crowd | Ears, pid: int, viewers: int, before: float, warm: float, seconds: float
) -> Reading:
    """What the server with process number `pid` spends in `seconds` on a crowd that is in."""
    await asyncio.sleep(warm)
    crowd.settle()
    tally = crowd.tally
    tally.restart()
    drops, (user, system), begun = crowd.drops(), cpu(pid), time.monotonic()
    await asyncio.sleep(seconds)
    crowd.settle()
    (user_after, system_after), span = cpu(pid), time.monotonic() - begun
    packets = max(1, int(tally.packets.sum()))
    lost = max(0, int(tally.missing.sum()) - (crowd.drops() - drops))
    spent, delay = user_after + system_after - user - system, tally.delay(0.99)
    return Reading(
        name=name,
        viewers=viewers,
        joined=len(crowd.members),
        cpu=1e6 * spent / packets,
        user=1e6 * (user_after - user) / packets,
        packets=packets / span / max(1, len(crowd.members)),
        lost=1e6 * lost / packets,
        busy=spent / span,
        sound_99=None if delay is None or not tally.packets[AUDIO].any() else 1000 * delay,
        gap=1000 * float(tally.longest[0].max()),
        memory=(memory(pid) - before) / max(1, len(crowd.members) - 1),
    )


def compile_floor(folder: Path) -> str | None:
    """Compile floor.c into `folder`; returns what is in the way, if something is."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return "there is no C compiler here"
    target = folder / "floor.so"
    status = os.spawnl(
        os.P_WAIT, compiler, compiler, "-O2", "-shared", "-fPIC", "-o", str(target), str(HERE / "floor.c")
    )
    return None if status == 0 else f"{compiler} failed"


def cpu(pid: int) -> tuple[float, float]:
    """Seconds of CPU that a process has used: user, system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def memory(pid: int) -> float:
    """Resident memory of a process, KB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1024
