"""The part `hostile` of `make bench`: viewers who stop reading, send garbage or flood with requests, beside a
hundred who only watch; what those notice, and how soon nothing is left of the others once they have vanished.

Every few of a kind do their worst for some seconds, each kind by itself; the fan-out alone serves (stand.py),
so that a processor busy with something else is not taken for harm done.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import uvloop

from broadcast.client.crowd import Crowd
from broadcast.client.door import ClientSession, hallway
from broadcast.client.whep import WhepViewer
from broadcast.rtp import rtcp
from tests.bench import contenders
from tests.bench.audience import programme
from tests.bench.contenders import PORT, Place, Reading, process, reading
from tests.bench.figures import Figure

HOST = "127.0.0.1"
GOOD, BAD = 100, 5  # viewers who watch, and of each bad kind
SECONDS, QUICK_SECONDS = 10.0, 5.0
ROUND = 0.01  # seconds between two rounds of one who floods ...
MESSAGES = 10  # ... each with so many: 1,000 a second
RIGHT = 240.0  # KB of the server's memory for a bad viewer: twice what one who watches may cost
GONE = 30.0  # seconds


def run(cache: Path, quick: bool) -> list[Figure]:
    """Measure all kinds."""
    with (
        tempfile.TemporaryDirectory(prefix="pavilion-hostile-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        place = Place(Path(folder), programme(cache), HOST)
        return runner.run(_measure(place, QUICK_SECONDS if quick else SECONDS))


async def _measure(place: Place, seconds: float) -> list[Figure]:
    words = ("tests.bench.stand", str(place.recording), str(PORT), HOST, "any")
    figures: list[Figure] = []
    url = f"http://{HOST}:{PORT}"
    async with process(place, *words) as pid, Crowd(f"{url}/whep", GOOD) as crowd, hallway() as web:
        await crowd.join(GOOD, GOOD / contenders.JOINS)
        figures += _noticed("nobody", await reading("", crowd, pid, GOOD, 0, 2, seconds))
        before, bad = contenders.memory(pid), list[WhepViewer]()
        for kind, act in KINDS.items():
            few = [WhepViewer(f"{url}/whep", decrypt=False, hall=web) for _ in range(BAD)]
            await asyncio.gather(*(viewer.watch() for viewer in few))
            acting = [asyncio.create_task(_go_on(viewer, act)) for viewer in few]
            figures += _noticed(kind, await reading("", crowd, pid, GOOD, 0, 1, seconds))
            for task in acting:
                task.cancel()
            await asyncio.gather(*acting, return_exceptions=True)
            bad += few
        grown = contenders.memory(pid) - before
        for viewer in bad:
            _vanish(viewer)
        begun = time.monotonic()
        gone = await _until_gone(web, url, begun)
    note = f"{len(bad)} bad viewers, of every kind"
    return [
        *figures,
        Figure("hostile: memory for each", grown / len(bad), "KB", RIGHT, note=note),
        Figure("hostile: vanished until nothing is left of them", gone, "s", GONE, note=note),
    ]


def _noticed(kind: str, by: Reading) -> list[Figure]:
    """What those who watch had of it."""
    note = f"{by.busy:.2f} cores of the server; longest gap without a picture {by.gap:.0f} ms"
    return [
        Figure(f"hostile, {kind}: packets that {GOOD} others lost", by.lost, "a million", 0, note=note),
        Figure(f"hostile, {kind}: their sound late, 99th percentile", by.sound_99, "ms", 10),
    ]


async def _until_gone(web: ClientSession, url: str, begun: float) -> float | None:
    """Seconds until the server knows nobody but those who watch; None if that takes too long."""
    while (waited := time.monotonic() - begun) < 2 * GONE:
        async with web.get(f"{url}/metrics") as answer:
            if (await answer.json())["port"]["peers"] <= GOOD:
                return waited
        await asyncio.sleep(0.25)
    return None


async def _go_on(viewer: WhepViewer, act: Callable[[WhepViewer], None]) -> None:
    """Until cancelled."""
    while True:
        act(viewer)
        await asyncio.sleep(ROUND)


def _stops_reading(viewer: WhepViewer) -> None:
    sock = viewer.agent._sock
    if sock is not None:
        asyncio.get_running_loop().remove_reader(sock)


def _garbage(viewer: WhepViewer) -> None:
    """As long as packets are, and of each kind that a port tells apart."""
    for first in random.choices((0, 1, 22, 63, 128, 144, 191, 255), k=MESSAGES):
        viewer.agent._send(bytes((first,)) + random.randbytes(1199))


def _nacks(viewer: WhepViewer) -> None:
    """Everything of the last second, again and again."""
    for ssrc, stream in viewer.streams.items():
        wanted = tuple(range(max(0, stream.highest - 300), stream.highest))
        message = rtcp.Nack(1, ssrc, wanted).build()
        for _ in range(MESSAGES // len(viewer.streams)):
            viewer.agent.send_rtcp(message)


def _plis(viewer: WhepViewer) -> None:
    for ssrc in viewer.streams:
        message = rtcp.Pli(1, ssrc).build()
        for _ in range(MESSAGES // len(viewer.streams)):
            viewer.agent.send_rtcp(message)


def _vanish(viewer: WhepViewer) -> None:
    """As when the plug is pulled: no goodbye, and nobody at the address any more."""
    agent, loop = viewer.agent, asyncio.get_running_loop()
    for timer in (agent._timer, viewer._timer):
        if timer is not None:
            timer.cancel()
    for sock in agent._sockets.values():
        loop.remove_reader(sock)
        sock.close()
    agent._sockets.clear()


KINDS: dict[str, Callable[[WhepViewer], None]] = {
    "stop reading": _stops_reading,
    "garbage": _garbage,
    "floods of NACKs": _nacks,
    "floods of PLIs": _plis,
}
