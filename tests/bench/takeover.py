"""The part `workers` of `make bench`: how soon the viewers of a killed worker are back on another."""

import asyncio
import os
import signal
import tempfile
import time
from pathlib import Path

from demo.server import Server, shortened
from tests.bench.figures import Figure, median
from tests.bench.hall import ROOT
from tests.support.workers import Fan, neighbours, serving, until_ready

VIEWERS, ROUNDS, QUICK_ROUNDS = 20, 5, 2


def run(quick: bool) -> list[Figure]:
    """Measure, and say."""
    backs = asyncio.run(_kills(QUICK_ROUNDS if quick else ROUNDS))
    note = f"from kill -9 to the first packet, {len(backs)} viewers of ours"
    return [
        Figure("viewers of a killed worker are back, longest", max(backs), "s", 2.0, note=note),
        Figure("... median", median(backs), "s"),
    ]


async def _kills(rounds: int) -> list[float]:
    """Seconds until each viewer was back."""
    table = shortened(ROOT / "config.toml", seconds=7200.0, lead=-10)
    table.setdefault("server", {}).update({"workers": "2", "worker_udp": neighbours()})
    backs: list[float] = []
    with tempfile.TemporaryDirectory(prefix="pavilion-workers-") as folder:
        server = Server(table, Path(folder))
        await server.start()
        fans = [Fan(server) for _ in range(VIEWERS)]
        try:
            await until_ready(server)
            for fan in fans:
                await fan.join()
            staying = [asyncio.create_task(fan.stay()) for fan in fans]
            for _ in range(rounds):
                backs += await _kill(server, fans)
                await until_ready(server)
            for task in staying:
                task.cancel()
            await asyncio.gather(*staying, return_exceptions=True)
        finally:
            await asyncio.gather(*(fan.viewer.close() for fan in fans if fan.joined))
            await server.stop()
    return backs


async def _kill(server: Server, fans: list[Fan]) -> list[float]:
    """kill -9 of the first viewer's worker: how long each of its viewers was without."""
    doomed = serving(server, fans[0].viewer.answer).pid
    lost = {fan: fan.viewer for fan in fans if serving(server, fan.viewer.answer).pid == doomed}
    at = time.monotonic()
    os.kill(doomed, signal.SIGKILL)
    async with asyncio.timeout(60):
        while any(fan.viewer is old or fan.viewer.first_packet is None for fan, old in lost.items()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return [fan.viewer.first_packet - at for fan in lost if fan.viewer.first_packet is not None]
