"""Many viewers in one process, against a real port over HTTP and UDP."""

import asyncio
import json
import os
import socket
import struct
import time
from collections.abc import Callable

import pytest

from broadcast.client import harvest, load
from broadcast.client.crowd import Crowd
from broadcast.client.harvest import HEAD, Harvest
from broadcast.client.tally import VIDEO
from broadcast.rtp import rtcp
from broadcast.rtp.frame import Codec, Frame
from broadcast.rtp.packet import parse
from broadcast.rtp.packetise import Packetiser

from .conftest import House


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - any condition will do
            await asyncio.sleep(0.005)


def keyframe(number: int) -> Frame:
    data = b"\0\0\0\1\x67abc\0\0\0\1\x68def\0\0\0\1\x65" + os.urandom(4000).replace(b"\0", b"\1")
    return Frame(Codec.H264, data, number * 3000, time.monotonic())


async def show(house: House, stream: Packetiser) -> None:
    """Keyframes to whoever is connected, without end."""
    number = 0
    while True:
        number += 1
        house.port.burst([peer for peer in house.peers if peer.state == "connected"], _frame(stream, number))
        await asyncio.sleep(0.02)


def _frame(stream: Packetiser, number: int) -> list[bytes]:
    return stream.packets(keyframe(number))


async def test_a_crowd_joins_counts_asks_and_reports(house: House) -> None:
    """Each joins with a handshake of its own and knows its first keyframe; what is missing is counted, asked
    for and reported by that viewer alone; sockets dropped nothing; all say goodbye."""
    stream = Packetiser(102, 11)
    async with Crowd(f"{house.url}/whep", 20) as crowd:
        showing = asyncio.create_task(show(house, stream))
        await crowd.join(20, 0.2)
        assert len(crowd.members) == 20
        assert all(member.keyframe is not None and member.sock is not None for member in crowd.members)
        showing.cancel()
        heard: dict[int, list[rtcp.Report]] = {}
        for index, peer in enumerate(house.peers):
            peer.on_rtcp = lambda data, at, index=index: heard.setdefault(index, []).extend(rtcp.parse(data))  # type: ignore[misc]
        crowd.settle()
        before = crowd.tally.packets[VIDEO].copy()
        frame = _frame(stream, 10_000)
        house.port.burst(house.peers[1:], frame)
        house.port.burst(house.peers[:1], [frame[0], *frame[2:]])
        await until(lambda: int((crowd.tally.packets[VIDEO] - before).sum()) == 20 * len(frame) - 1)
        await until(lambda: any(isinstance(each, rtcp.Nack) for each in heard.get(0, ())))
        (nack,) = {each for each in heard[0] if isinstance(each, rtcp.Nack)}
        assert nack.sequences == (parse(frame[1]).sequence,)
        assert nack.media == 11
        house.peers[0].send_rtp([frame[1]])
        await until(lambda: int(crowd.tally.repaired[VIDEO].sum()) == 1)
        await until(lambda: all(_reported(heard.get(index, []), stream) for index in range(20)))
        assert not any(isinstance(each, rtcp.Nack) for index in range(1, 20) for each in heard[index])
        assert crowd.drops() == 0
        summary = load.summarise(crowd, 1.0, 0)
        assert (summary.joined, summary.missing, summary.repaired) == (20, 1, 1)
        assert summary.keyframe_95 is not None
    assert {peer.state for peer in house.peers} == {"closed"}


def _reported(reports: list[rtcp.Report], stream: Packetiser) -> bool:
    return any(
        block.ssrc == 11 and block.highest & 0xFFFF == (stream.sequence - 1) & 0xFFFF and block.lost == 0
        for each in reports
        if isinstance(each, rtcp.ReceiverReport)
        for block in each.blocks
    )


async def test_who_is_sent_away_and_who_cannot_get_in(house: House) -> None:
    """A viewer whom the server ends is counted as that, a refused one by the code of the refusal."""
    async with Crowd(f"{house.url}/whep", 3) as crowd:
        showing = asyncio.create_task(show(house, Packetiser(102, 11)))
        await crowd.join(2)
        house.peers[0].close()
        await until(lambda: crowd.gone == 1)
        assert len(crowd.members) == 1
        showing.cancel()
    async with Crowd("http://127.0.0.1:9/whep", 1) as crowd:
        assert await crowd.join_one() is None
        assert crowd.failures == {"unreachable": 1}


async def test_the_command(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """`pavilion load` says the figures, for people and for programs; 0 when all is well, 1 when not."""
    showing = asyncio.create_task(show(house, Packetiser(102, 11)))
    order = load.Order(house.url, viewers=3, seconds=0.2, rate=100)
    assert await load.run(order) == 0
    assert "joined        3" in capsys.readouterr().out
    assert await load.run(order, as_json=True) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["joined"], report["lost_on_the_way"], report["failed"]) == (3, 0, {})
    showing.cancel()
    assert await load.run(load.Order("http://127.0.0.1:9", 1, 0.1)) == 1
    assert "failed: 1 unreachable" in capsys.readouterr().out


def test_the_endpoint() -> None:
    """Of a bare server it is /whep; anything else is taken as it is."""
    assert load.endpoint("http://a:1/") == load.endpoint("http://a:1") == "http://a:1/whep"
    assert load.endpoint("https://b/live/whep?x=1") == "https://b/live/whep?x=1"


def test_a_harvest() -> None:
    """Datagrams of several sockets come as columns, cut to their heads, with true lengths and arrival
    times; what a socket had no room for is told."""
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for sock in socks:
        sock.bind(("127.0.0.1", 0))
        harvest.prepare(sock)
    socks[2].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    before = time.time()
    for number in range(5):
        socks[0].sendto(struct.pack("!I", number) + bytes(1000), socks[1].getsockname())
    socks[0].sendto(b"abc", socks[0].getsockname())
    for _ in range(50):
        socks[0].sendto(bytes(1200), socks[2].getsockname())
    reading = Harvest()
    for _ in range(2):  # the second time as the first, because `clear` gives back what the kernel wrote over
        assert not reading.full
        counts = [reading.read(index, sock.fileno()) for index, sock in enumerate(socks[:2])]
        rows = reading.rows()
        assert rows.owners.tolist() == [0] * counts[0] + [1] * counts[1]
        assert rows.lengths.tolist() == [3] * counts[0] + [1004] * counts[1]
        assert [int(head[3]) for head in rows.heads[counts[0] :]] == list(range(5))
        assert rows.heads.shape[1] == HEAD
        assert all(before - 1 < at < time.time() + 1 for at in rows.times)
        reading.clear()
        for number in range(5):
            socks[0].sendto(struct.pack("!I", number) + bytes(1000), socks[1].getsockname())
        socks[0].sendto(b"abc", socks[0].getsockname())
    assert harvest.dropped(socks[:2]) == 0
    waiting = reading.read(2, socks[2].fileno())
    assert harvest.dropped(socks[2:]) == 50 - waiting > 0
    for sock in socks:
        sock.close()
