"""The backstage relay against peers in memory: payloads untouched, numbers our own."""

import pytest

from broadcast.feeds.feed import Feed
from broadcast.outputs.relay import Relay
from broadcast.rtp import rtcp
from broadcast.rtp.frame import Codec, Kind
from broadcast.rtp.packet import Packet, parse
from broadcast.rtp.packetise import Packetiser
from broadcast.transport.sdp import Negotiated
from tests.support.rtp import Clock, FakePeer, FakePort, picture, sound, track, vp8_picture

VIDEO, AUDIO = 106, 109


class Camera(Feed):
    """A feed whose packets are made by the test, and whose keyframe requests are counted."""

    def __init__(self, codec: Codec = Codec.H264) -> None:
        super().__init__("ada")
        self.codec, self.asked = codec, 0

    def codecs(self) -> tuple[Codec | None, Codec | None]:
        return self.codec, Codec.OPUS

    def emit_packet(self, kind: Kind, packet: Packet) -> None:
        for sink in tuple(self._packet_sinks.values()):
            sink(kind, packet)

    def request_keyframe(self) -> None:
        self.asked += 1


class Backstage:
    """A relay with one feed."""

    def __init__(self, feed: Feed | None = None) -> None:
        self.port, self.clock = FakePort(), Clock()
        self.relay = Relay(self.port, clock=self.clock)  # type: ignore[arg-type]
        self.feed = feed or Camera()

    def producer(self, name: str = "one", video: int = VIDEO) -> FakePeer:
        """A producer who watches the feed, connected."""
        tracks = Negotiated(track(Codec.H264, video), track(Codec.OPUS, AUDIO))
        self.port.next.append(FakePeer(tracks, id=name))
        peer, _ = self.relay.watch("offer", self.feed)
        peer.on_connected()
        return peer  # type: ignore[return-value]


def packets(count: int = 4) -> list[Packet]:
    """A publisher's packets, over the wrap of both numbers."""
    stream = Packetiser(102, 77, sequence=65533, timestamp_offset=0xFFFFFF00)
    return [parse(data) for index in range(count) for data in stream.packets(picture(index, key=not index))]


def test_payloads_are_untouched_and_numbers_shifted() -> None:
    """All but SSRC, payload type and where the numbers start is as the publisher sent it."""
    back = Backstage()
    one, two = back.producer("one"), back.producer("two", video=97)
    sent = packets()
    for packet in sent:
        back.feed.emit_packet(Kind.VIDEO, packet)
    got = [parse(data) for data in one.rtp]
    assert [(p.payload, p.marker) for p in got] == [(p.payload, p.marker) for p in sent]
    assert {(p.sequence - s.sequence) & 0xFFFF for p, s in zip(got, sent, strict=True)} == {
        (got[0].sequence - sent[0].sequence) & 0xFFFF
    }
    assert {(p.timestamp - s.timestamp) & 0xFFFFFFFF for p, s in zip(got, sent, strict=True)} == {
        (got[0].timestamp - sent[0].timestamp) & 0xFFFFFFFF
    }
    assert {parse(data).payload_type for data in two.rtp} == {97}
    assert len({packet.ssrc for packet in got}) == 1


def test_lost_packets_come_again_byte_for_byte() -> None:
    """A producer's NACK is answered from history."""
    back = Backstage()
    peer = back.producer()
    for packet in packets():
        back.feed.emit_packet(Kind.VIDEO, packet)
    before = list(peer.rtp)
    missing = parse(before[3])
    peer.on_rtcp(rtcp.Nack(1, missing.ssrc, (missing.sequence,)).build(), 0.0)
    assert peer.rtp[len(before) :] == [before[3]]


def test_a_publisher_that_comes_back_goes_on_where_it_ended() -> None:
    """A new SSRC of the same feed continues numbers and time for those who watch."""
    back = Backstage()
    peer = back.producer()
    for packet in packets(1):
        back.feed.emit_packet(Kind.VIDEO, packet)
    last = parse(peer.rtp[-1])
    back.clock.now += 2.0
    again = Packetiser(102, 78, sequence=5000)
    for data in again.packets(picture(0, key=True)):
        back.feed.emit_packet(Kind.VIDEO, parse(data))
    after = parse(peer.rtp[-len(again.packets(picture(1))) - 1])
    assert after.sequence == (last.sequence + 1) & 0xFFFF
    assert (after.timestamp - last.timestamp) & 0xFFFFFFFF == 180000


def test_keyframes_are_asked_of_the_feed_once_a_second() -> None:
    """A joiner and a hundred requests are one; later requests are heard again."""
    back = Backstage()
    peer = back.producer()
    camera = back.feed
    assert isinstance(camera, Camera)
    assert camera.asked == 1
    for _ in range(100):
        peer.on_rtcp(rtcp.Pli(1, 2).build(), 0.0)
    assert camera.asked == 1
    back.clock.now += 1.0
    peer.on_rtcp(rtcp.Fir(1, ((2, 1),)).build(), 0.0)
    assert camera.asked == 2


def test_a_clip_is_relayed_too() -> None:
    """A feed that has frames only is packetised for the relay."""
    back = Backstage(Feed("clip.a", kind="clip"))
    peer = back.producer()
    back.feed.emit(picture(0, key=True), 0.0)
    back.feed.emit(sound(0), 0.0)
    assert {parse(data).payload_type for data in peer.rtp} == {VIDEO, AUDIO}


def test_a_feed_that_ends_ends_its_watchers() -> None:
    """Peers are closed as "feed_closed", and nothing is kept."""
    back = Backstage()
    peer = back.producer()
    back.feed.close("left")
    assert peer.state == "closed"
    assert back.relay.stats() == {"feeds": 0, "peers": 0}


def test_the_last_watcher_ends_the_relay_of_a_feed() -> None:
    """Without watchers the feed is not listened to, however often they come and go."""
    back = Backstage()
    for _ in range(20):
        peer = back.producer()
        peer.close("left")
    assert back.relay.stats()["feeds"] == 0
    assert back.feed.on_closed == []
    back.feed.emit_packet(Kind.VIDEO, packets()[0])
    assert peer.rtp == []


def test_reports_follow_the_feeds_clock() -> None:
    """Sender reports tie picture and sound by when they were captured, not by when they passed."""
    back = Backstage(Feed("clip.a", kind="clip"))
    peer = back.producer()
    for index in range(60):
        back.clock.now += 1 / 30
        back.feed.emit(picture(index, key=index == 0, fps=30), 0.0)
        back.feed.emit(sound(index), 0.0)
    found = {}
    for report in (r for data in peer.rtcp for r in rtcp.parse(data)):
        assert isinstance(report, rtcp.SenderReport)
        found[report.ssrc] = report
    newest = {parse(d).payload_type: parse(d) for d in peer.rtp}
    for payload_type, rate, captured in ((VIDEO, 90000, 59 / 30), (AUDIO, 48000, 59 / 50)):
        packet = newest[payload_type]
        report = found[packet.ssrc]
        at = rtcp.from_ntp(report.ntp) - back.relay._channels[back.feed]._wall
        behind = ((report.timestamp - packet.timestamp + 2**31) & 0xFFFFFFFF) - 2**31
        assert at - behind / rate == pytest.approx(captured, abs=0.001)


def test_bad_rtcp_is_counted() -> None:
    """Garbage from a producer is dropped and counted."""
    back = Backstage()
    peer = back.producer()
    peer.on_rtcp(b"\x81\xc9\xff\xff" + bytes(9), 0.0)
    assert back.relay.stats()["malformed"] == 1


def test_vp8_is_watched_as_vp8() -> None:
    """What is offered to a producer is the codec that the feed has."""
    back = Backstage(Camera(Codec.VP8))
    peer = back.producer()
    stream = Packetiser(96, 1)
    for data in stream.packets(vp8_picture(0, key=True)):
        back.feed.emit_packet(Kind.VIDEO, parse(data))
    assert back.relay._channels[back.feed].track.video is Codec.VP8
    assert parse(peer.rtp[0]).payload[:1] == b"\x90"
