"""Viewers who mean harm, or are broken, beside one who only watches: over real sockets, by the clock of the
test."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest

from broadcast.client import offers
from broadcast.client.agent import Agent
from broadcast.outputs.fanout import FULL, Fanout
from broadcast.outputs.resends import AT_ONCE, SHARE
from broadcast.outputs.viewer import MESSAGES, MESSAGES_AT_ONCE, REQUESTS_AT_ONCE
from broadcast.rtp import rtcp
from broadcast.rtp.frame import Codec, Frame
from broadcast.transport.dtls import Certificate
from broadcast.transport.port import Port, PortSettings

CODECS = [Codec.H264, Codec.OPUS]
SILENCE = 16.0  # seconds, by the port's settings more than enough


class Stage:
    """A port, a fan-out, and a viewer who behaves: `seen` are the numbers of the packets it got."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self.fanout = Fanout(port)
        self.certificate = Certificate.generateCertificate()
        self.seen: list[int] = []
        self.asked = 0
        self.sent = 0
        self._number = 0
        self.fanout.on_keyframe_needed = self._ask

    def _ask(self, name: str) -> None:
        self.asked += 1

    async def join(self) -> Agent:
        agent = Agent(certificate=self.certificate)
        peer, answer = self.port.answer_watch(offers.watch(agent, CODECS), self.fanout.track)
        self.fanout.add_viewer(peer)
        await agent.connect(answer)
        await until(lambda: peer.state == "connected")
        return agent

    async def behave(self) -> Agent:
        agent = await self.join()
        (self.good,) = self.port._peers.values()
        agent.on_rtp = lambda packet, at: self._see(packet)
        self.frame(key=True)
        return agent

    def _see(self, packet: bytes) -> None:
        if packet[1] & 0x7F == offers.PAYLOAD_TYPES[Codec.H264]:
            self.seen.append(int.from_bytes(packet[2:4], "big"))

    def frame(self, *, key: bool = False, size: int = 3000) -> None:
        self._number += 1
        data = b"\0\0\0\1" + (b"\x65" if key else b"\x41") + os.urandom(size).replace(b"\0", b"\1")
        self.fanout.send(Frame(Codec.H264, data, self._number * 3000, time.monotonic(), key))
        self.sent = int(self.fanout.stats()["video_packets"])

    async def all_there(self) -> None:
        """The good viewer has every packet, each once, in order."""
        await until(lambda: len(self.seen) >= self.sent)
        assert all((after - before) & 0xFFFF == 1 for before, after in pairwise(self.seen))
        assert len(self.seen) == self.sent


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - any condition will do
            await asyncio.sleep(0.002)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    port = await Port.open(PortSettings(bind=(("127.0.0.1", 0),)))
    yield Stage(port)
    await port.close()


async def test_who_stops_reading_or_vanishes(stage: Stage) -> None:
    """One whose buffer is full and one whose socket is gone hold nothing up, and leave nothing behind when
    they have been silent; who still speaks stays."""
    good, deaf, gone = await stage.behave(), await stage.join(), await stage.join()
    loop = asyncio.get_running_loop()
    assert deaf._sock is not None
    assert gone._sock is not None
    for agent in (deaf, gone):
        loop.remove_reader(agent._sock)  # type: ignore[arg-type]
        agent._timer.cancel()  # type: ignore[union-attr]
    gone._sock.close()
    gone._sockets.clear()
    for number in range(150):
        stage.frame(key=number == 0, size=12_000)
        await asyncio.sleep(0)
    await stage.all_there()
    assert stage.port.stats()["backlog"] == 0
    later = time.monotonic() + SILENCE
    assert stage.good.path
    stage.good.checked(stage.good.path, True, later)
    stage.port.expire(later)
    assert stage.fanout.stats()["viewers"] == 1
    assert stage.port.stats()["paths"] == 1
    stage.frame()
    await stage.all_there()
    good.close()
    deaf.close()
    gone.close()


async def test_who_floods_with_requests(stage: Stage) -> None:
    """NACKs for everything and PLIs without end bring one viewer its own share of resends and keyframes, and
    nobody else anything; most of them are not even read."""
    good, bad = await stage.behave(), await stage.join()
    stage.frame(key=True)
    for _ in range(40):
        stage.frame(size=12_000)
    begun, video = time.monotonic(), stage.fanout.track.video_ssrc
    asked = stage.asked
    everything = tuple(
        range((stage.seen[0] if stage.seen else 0), (stage.seen[0] if stage.seen else 0) + 400)
    )
    for _ in range(60):
        bad.send_rtcp(rtcp.Nack(1, video, everything).build())
        for _ in range(20):
            bad.send_rtcp(rtcp.Pli(1, video).build())
        await asyncio.sleep(0)
    await until(lambda: stage.fanout.stats()["unread"] + stage.fanout.stats()["keyframe_requests"] >= 1000)
    span = time.monotonic() - begun
    stats = stage.fanout.stats()
    assert stats["keyframe_requests"] <= MESSAGES_AT_ONCE + MESSAGES * span + 1
    assert stats["resent"] <= (AT_ONCE + SHARE * span) * FULL[0].rate / 8 / 1000 + 1
    assert stats["resends_refused"] > 0
    assert stage.asked - asked <= min(REQUESTS_AT_ONCE + span, 1 + span) + 1
    stage.frame()
    await stage.all_there()
    good.close()
    bad.close()


async def test_who_sends_garbage(stage: Stage) -> None:
    """Random bytes of every kind on a proved path are counted and forgotten."""
    good, bad = await stage.behave(), await stage.join()
    chance = random.Random(4)
    before = stage.port.stats()["peers"]
    for number in range(600):
        first = bytes((chance.choice((0, 1, 22, 23, 63, 128, 144, 191, 192, 255)),))
        bad._send(
            first + bytes((chance.choice((96, 200, 201, 205, 206, 0)),)) + chance.randbytes(number % 1200)
        )
        if number % 20 == 0:
            bad.send_rtcp(b"\x81\xcd" + chance.randbytes(10))
            stage.frame(key=number == 0)
            await asyncio.sleep(0)
    await until(lambda: stage.fanout.stats()["malformed"] > 0)
    await until(lambda: stage.port.stats().get("rx_not_authentic", 0) > 100)
    await stage.all_there()
    assert stage.port.stats()["peers"] == before
    good.close()
    bad.close()
