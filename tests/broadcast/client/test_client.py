"""Our publisher and our viewer against a real port, over HTTP and UDP."""

import asyncio
import os
import time
from collections.abc import Callable

import pytest

from broadcast.client.agent import Agent
from broadcast.client.whep import WhepViewer
from broadcast.client.whip import WhipPublisher
from broadcast.errors import RequestError
from broadcast.rtp import rtcp
from broadcast.rtp.frame import Codec, Frame
from broadcast.rtp.packet import parse
from broadcast.rtp.packetise import Packetiser
from broadcast.transport.dtls import Certificate

from .conftest import House


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop turn until something is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - any condition will do, and most are counters
            await asyncio.sleep(0.001)


def picture(number: int, size: int = 5000) -> Frame:
    data = b"\0\0\0\1\x65" + os.urandom(size).replace(b"\0", b"\1")
    return Frame(Codec.H264, data, number * 3000, time.monotonic())


def sound(number: int) -> Frame:
    return Frame(Codec.OPUS, os.urandom(120), number * 960, time.monotonic())


async def test_a_publishers_frames_arrive(house: House) -> None:
    """Frames become packets at the server, under the pass given; sender reports tie them to a clock."""
    publisher = WhipPublisher(f"{house.url}/whip", "secret")
    await publisher.publish(Codec.H264)
    (peer,) = house.peers
    assert house.passes == ["Bearer secret"]
    packets: list[bytes] = []
    reports: list[rtcp.Report] = []
    peer.on_rtp = lambda data, arrival: packets.append(data)
    peer.on_rtcp = lambda data, arrival: reports.extend(rtcp.parse(data))
    before = time.time()
    publisher.send(picture(1))
    publisher.send(sound(1))
    await until(lambda: len(packets) == publisher.packets)
    video = [each for each in map(parse, packets) if each.payload_type == 102]
    assert [each.marker for each in video] == [False] * (len(video) - 1) + [True]
    assert peer.media.video is not None
    assert {each.ssrc for each in video} == set(peer.media.video.ssrcs)
    await until(lambda: sum(isinstance(each, rtcp.SenderReport) for each in reports) >= 2)
    sender = next(x for x in reports if isinstance(x, rtcp.SenderReport) and x.ssrc == video[0].ssrc)
    assert sender.packets == len(video)
    assert before - 1 < rtcp.from_ntp(sender.ntp) < time.time() + 1
    await publisher.close()
    assert peer.state == "closed"
    assert house.deleted == [peer.id]
    await publisher.close()


async def test_a_publisher_answers_feedback(house: House) -> None:
    """A NACK brings the packets again, byte for byte; PLI and FIR call for a keyframe."""
    publisher = WhipPublisher(f"{house.url}/whip")
    await publisher.publish(Codec.VP8, audio=False)
    (peer,) = house.peers
    packets: list[bytes] = []
    peer.on_rtp = lambda data, arrival: packets.append(data)
    publisher.send(Frame(Codec.VP8, b"\x10" + os.urandom(4000), 0, time.monotonic()))
    await until(lambda: len(packets) == publisher.packets)
    asked = parse(packets[1])
    publisher._streams[Codec.VP8.kind].history.put(asked.sequence + 1, packets[2])
    resent: list[list[bytes]] = []
    publisher.agent.send_rtp = lambda some: resent.append(list(some))  # type: ignore[method-assign]
    peer.send_rtcp(rtcp.Nack(1, asked.ssrc, (asked.sequence, (asked.sequence + 500) & 0xFFFF)).build())
    await until(lambda: bool(resent))
    assert resent == [[packets[1]]]
    wanted: list[str] = []
    publisher.on_keyframe_request = lambda: wanted.append("keyframe")
    peer.send_rtcp(rtcp.Pli(1, asked.ssrc).build())
    peer.send_rtcp(rtcp.Fir(1, ((asked.ssrc, 1),)).build())
    peer.send_rtcp(b"\x81\xcd garbage")
    await until(lambda: len(wanted) == 2)
    assert publisher.keyframe_requests == 2
    await publisher.close()


@pytest.mark.parametrize("decrypt", [True, False])
async def test_a_viewer_counts_and_reports(house: House, decrypt: bool) -> None:
    """A viewer sees what was sent and what was lost, decrypting or not, and says so to the server."""
    viewer = WhepViewer(f"{house.url}/whep", decrypt=decrypt)
    seen: list[bytes] = []
    viewer.on_packet = lambda packet, arrival: seen.append(packet)
    await viewer.watch()
    (peer,) = house.peers
    heard: list[rtcp.Report] = []
    peer.on_rtcp = lambda data, arrival: heard.extend(rtcp.parse(data))
    stream = Packetiser(102, 11)
    frames = [stream.packets(picture(number)) for number in range(10)]
    del frames[4][1]
    for frame in frames:
        house.port.burst([peer], frame)
    total = sum(map(len, frames))
    await until(lambda: viewer.packets == total)
    assert viewer.posted is not None
    assert viewer.first_packet is not None
    assert viewer.first_packet > viewer.posted
    assert (seen == [packet for frame in frames for packet in frame]) == decrypt
    await until(lambda: bool(heard))
    (report,) = heard
    assert isinstance(report, rtcp.ReceiverReport)
    assert [(block.ssrc, block.lost) for block in report.blocks] == [(11, 1)]
    viewer.ask_again(11, [5, 6])
    viewer.ask_keyframe(11)
    await until(lambda: len(heard) >= 3)
    assert [(type(each), each.media) for each in heard[1:3]] == [(rtcp.Nack, 11), (rtcp.Pli, 11)]  # type: ignore[union-attr]
    await viewer.close()
    assert peer.state == "closed"


async def test_many_viewers_share_a_process(house: House) -> None:
    """Thirty viewers with one certificate all get a burst, and go."""
    certificate = Certificate.generateCertificate()
    viewers = [WhepViewer(f"{house.url}/whep", certificate=certificate, decrypt=False) for _ in range(30)]
    await asyncio.gather(*(viewer.watch() for viewer in viewers))
    frame = Packetiser(102, 11).packets(picture(0))
    await until(lambda: all(peer.state == "connected" for peer in house.peers))
    house.port.burst(house.peers, frame)
    await until(lambda: all(viewer.packets == len(frame) for viewer in viewers))
    await asyncio.gather(*(viewer.close() for viewer in viewers))
    assert house.port.stats()["peers"] == 0


async def test_a_viewer_hears_goodbye(house: House) -> None:
    """When the server ends the session, `on_closed` says "left"."""
    viewer = WhepViewer(f"{house.url}/whep")
    reasons: list[str] = []
    viewer.on_closed = reasons.append
    await viewer.watch()
    await until(lambda: house.peers[0].state == "connected")
    house.peers[0].close("replaced")
    await until(lambda: bool(reasons))
    assert reasons == ["left"]
    await viewer.close()


async def test_a_refusal_has_the_servers_code(house: House) -> None:
    """What the server refuses is raised with its code and status, and leaves nothing open."""
    viewer = WhepViewer(f"{house.url}/whep")
    with pytest.raises(RequestError) as refusal:
        await viewer.watch(Codec.VP8)
    assert (refusal.value.code, refusal.value.status) == ("no_usable_codec", 406)
    assert viewer.agent.closed
    viewer = WhepViewer(f"{house.url}/nowhere")
    with pytest.raises(RequestError) as refusal:
        await viewer.watch()
    assert (refusal.value.code, refusal.value.status) == ("refused", 404)


async def test_a_server_that_is_away_is_unreachable() -> None:
    """Neither HTTP nor UDP of a server that is away hangs or leaks; both say `unreachable`."""
    publisher = WhipPublisher("http://127.0.0.1:9/whip")
    with pytest.raises(RequestError) as refusal:
        await publisher.publish()
    assert refusal.value.code == "unreachable"
    agent = Agent()
    answer = (
        "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdabcdabcdabcdabcdab\r\na=setup:passive\r\n"
        f"a=fingerprint:sha-256 {agent.certificate.fingerprint}\r\n"
        "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n"
    )
    with pytest.raises(RequestError) as refusal:
        await agent.connect(answer, patience=0.2)
    assert refusal.value.code == "unreachable"
    assert agent.closed == "timeout"


@pytest.mark.parametrize("answer", ["", "hello", "v=0\r\n", "v=0\r\na=ice-ufrag:abcd\r\n"])
async def test_an_answer_that_is_none_is_an_error(answer: str) -> None:
    """What is no usable answer raises RequestError, and the agent is closed."""
    agent = Agent()
    with pytest.raises(RequestError):
        await agent.connect(answer)
    assert agent.closed == "failed"
