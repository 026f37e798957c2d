"""How soon a viewer sees something, alone and among five hundred, and what that does to who watches already.

The real server with its mixer (the slate is on the air), and our own viewers: from the POST to the last
packet of the first keyframe, which a browser then only has to decode.
"""

import asyncio
import tempfile
from pathlib import Path

from broadcast.client.crowd import Crowd
from broadcast.client.tally import VIDEO
from demo.server import Server, shortened
from tests.bench.figures import Figure, median, percentile

ROOT = Path(__file__).parents[2]
WATCHING, MANY, WITHIN = 100, 500, 10.0  # viewers, viewers, seconds


def run(quick: bool) -> list[Figure]:
    """Measure both."""
    return asyncio.run(_measure(10 if quick else 50))


async def _measure(singles: int) -> list[Figure]:
    table = shortened(ROOT / "config.toml", seconds=36000, lead=-10)
    with tempfile.TemporaryDirectory(prefix="pavilion-joins-") as folder:
        server = Server(table, Path(folder))
        await server.start()
        try:
            async with Crowd(f"{server.url}/whep", WATCHING + singles + MANY) as crowd:
                await crowd.join(WATCHING, WATCHING / 30)
                alone = await _one_by_one(crowd, singles)
                crowd.settle()
                crowd.tally.restart()
                before, dropped = len(crowd.members), crowd.drops()
                await crowd.join(MANY, WITHIN)
                crowd.settle()
                gap = 1000 * float(crowd.tally.longest[VIDEO][:WATCHING].max())
                lost = max(0, int(crowd.tally.missing[:, :WATCHING].sum()) - (crowd.drops() - dropped))
                many = _times(crowd, before)
        finally:
            await server.stop()
    return [
        *_shares("alone: POST to first keyframe", alone, singles, 150),
        *_shares(f"{MANY} in {WITHIN:.0f} s: POST to first keyframe", many, MANY, None),
        Figure(f"{MANY} in {WITHIN:.0f} s: longest gap of {WATCHING} who watch", gap, "ms", 100),
        Figure(f"{MANY} in {WITHIN:.0f} s: packets they lost", lost, "", 0),
    ]


async def _one_by_one(crowd: Crowd, count: int) -> list[float]:
    """At any point of the group of pictures: the pause is no multiple of its length."""
    first = len(crowd.members)
    for number in range(count):
        await asyncio.sleep(1.1 + 0.037 * number % 0.9)
        await crowd.join_one()
    return _times(crowd, first)


def _times(crowd: Crowd, first: int) -> list[float]:
    """Of the members from number `first` on: from the POST to the first keyframe, in ms."""
    return [
        1000 * (member.keyframe - member.viewer.posted)
        for member in crowd.members[first:]
        if member.keyframe is not None and member.viewer.posted is not None
    ]


def _shares(name: str, found: list[float], wanted: int, bar: float | None) -> list[Figure]:
    if len(found) < wanted:
        return [Figure(name, None, "ms", bar or 0, note=f"only {len(found)} of {wanted} saw one")]
    note = f"{wanted} joins, median {median(found):.0f}, longest {max(found):.0f}"
    return [Figure(f"{name}, 95th percentile", percentile(found, 0.95), "ms", bar, note=note)]
