"""Workers as real processes: viewers are spread, served, told of ends, and taken over when one is killed."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
import pytest_asyncio

from broadcast.client import offers
from broadcast.client.agent import Agent
from broadcast.errors import OfferError
from broadcast.rtp.frame import Codec
from broadcast.transport.dtls import Certificate
from broadcast.workers.remote import Remote
from broadcast.workers.supervisor import Workers
from broadcast.workers.wire import WorkerSettings, spread
from tests.support.rtp import picture, sound

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWN = WorkerSettings((("127.0.0.1", 0),), (), 10, 10.0, 15.0)
PATIENCE = 150.0  # seconds


async def until(condition: Callable[[], bool]) -> None:
    """Let time pass until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - any condition will do
            await asyncio.sleep(0.01)


class Viewer:
    """An agent that counts what it gets, and the session that it is for the server."""

    def __init__(self, certificate: Certificate) -> None:
        self.agent = Agent(certificate=certificate)
        self.kinds: set[int] = set()
        self.packets = 0
        self.reasons: list[str] = []
        self.session: Remote | None = None
        self.agent.on_rtp = self._packet

    def _packet(self, packet: bytes, arrival: float) -> None:
        self.kinds.add(packet[1] & 0x7F)
        self.packets += 1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall() -> AsyncIterator[SimpleNamespace]:
    """Two workers, a programme that runs, and a way in."""
    workers = Workers(spread(OWN, 2, 0), most=4)
    asked: list[str] = []
    viewers: list[Viewer] = []
    certificate = Certificate.generateCertificate()
    workers.on_keyframe_needed = asked.append

    async def programme() -> None:
        index = 0
        while True:
            made = picture(index, key=bool(asked) or index % 60 == 0)
            asked.clear()
            workers.send(replace(made, captured=time.monotonic()))
            workers.send(replace(sound(index), captured=time.monotonic()))
            index += 1
            await asyncio.sleep(0.02)

    async def join() -> Viewer:
        viewer = Viewer(certificate)
        viewers.append(viewer)
        found = await workers.watch(offers.watch(viewer.agent, [Codec.H264, Codec.OPUS]), "viewer")
        assert found is not None, "there are workers"
        viewer.session, answer = found
        viewer.session.when_closed(viewer.reasons.append)
        await viewer.agent.connect(answer)
        await until(lambda: len(viewer.kinds) == 2)
        return viewer

    await workers.start()
    task = asyncio.create_task(programme())
    async with asyncio.timeout(PATIENCE):
        await workers.until_ready()
    yield SimpleNamespace(workers=workers, join=join)
    for viewer in viewers:
        viewer.agent.close()
    await workers.stop()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_viewers_are_spread_over_the_workers(hall: SimpleNamespace) -> None:
    """Each gets picture and sound, one from each worker; the figures add up."""
    viewers = [await hall.join() for _ in range(2)]
    assert len({viewer.session._worker.pid for viewer in viewers}) == 2
    await until(lambda: hall.workers.stats().get("fanout_viewers") == 2)
    await until(lambda: all(viewer.session.state == "connected" for viewer in viewers))
    assert hall.workers.stats()["viewers"] == 2
    for viewer in viewers:
        viewer.agent.close()
    await until(lambda: all(viewer.reasons == ["left"] for viewer in viewers))
    assert hall.workers.stats()["viewers"] == 0


async def test_offers_that_cannot_be_answered_are_refused(hall: SimpleNamespace) -> None:
    """With the very error that the server's own port would give."""
    with pytest.raises(OfferError) as refused:
        await hall.workers.watch("v=0", "viewer")
    assert refused.value.code == "bad_offer"
    assert refused.value.status == 400


async def test_the_server_ends_a_session(hall: SimpleNamespace) -> None:
    """The viewer is told goodbye."""
    viewer = await hall.join()
    viewer.session.close("removed")
    assert viewer.reasons == ["removed"]
    await until(lambda: viewer.agent.closed is not None)


async def test_all_together_are_bounded(hall: SimpleNamespace) -> None:
    """Beyond the most there may be, viewers are refused, and then not."""
    viewers = [await hall.join() for _ in range(4)]
    with pytest.raises(OfferError) as refused:
        await hall.join()
    assert refused.value.code == "busy"
    for viewer in viewers:
        viewer.session.close()


async def test_the_viewers_of_a_killed_worker_are_back_on_another(hall: SimpleNamespace) -> None:
    """Its sessions end, nobody else's do, whoever comes again is served at once, and it is started anew."""
    await until(lambda: len(hall.workers.pids()) == 2)
    lost, kept = await hall.join(), await hall.join()
    os.kill(lost.session._worker.pid, signal.SIGKILL)
    await until(lambda: lost.reasons == ["worker_died"])
    again = await hall.join()
    assert again.session._worker is kept.session._worker
    before = kept.packets
    await until(lambda: kept.packets > before)
    assert kept.reasons == []
    await until(lambda: len(hall.workers.pids()) == 2)
    assert hall.workers.stats()["restarts"] >= 1


async def test_one_that_hangs_is_killed(hall: SimpleNamespace) -> None:
    """A stopped process answers no offer: the viewer is given to another, and the process is replaced."""
    await until(lambda: len(hall.workers.pids()) == 2)
    idle = min((each for each in hall.workers._workers.values()), key=lambda each: each.load)
    before = hall.workers.restarts
    os.kill(idle.pid, signal.SIGSTOP)
    viewer = await hall.join()
    assert viewer.session._worker is not idle
    await until(lambda: hall.workers.restarts > before and len(hall.workers.pids()) == 2)


async def test_without_workers_there_is_nobody_to_ask() -> None:
    """None, so that the server's own port serves."""
    workers = Workers((), most=4)
    await workers.start()
    assert await workers.watch("v=0", "viewer") is None
    assert workers.stats()["configured"] == 0
    await workers.stop()
