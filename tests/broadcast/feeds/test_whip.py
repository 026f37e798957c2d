"""A published feed against a peer in memory: frames, reports, requests, and the extent of its feedback."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable

import pytest

from broadcast.feeds.whip import WhipFeed
from broadcast.rtp import rtcp
from broadcast.rtp.frame import Codec, Frame
from broadcast.rtp.packet import build_extensions
from broadcast.rtp.packetise import Packetiser
from broadcast.rtp.transport_cc import Arrivals
from broadcast.transport.sdp import Extension, Negotiated
from tests.support.rtp import PPS, SPS, Clock, FakePeer, picture, sound, track

VIDEO, AUDIO = 102, 111


class Studio:
    """A feed with its peer, a clock that is moved by hand, and the publisher's two streams."""

    def __init__(self, **video: object) -> None:
        self.clock = Clock()
        self.peer = FakePeer(Negotiated(track(Codec.H264, VIDEO, **video), track(Codec.OPUS, AUDIO)))
        self.feed = WhipFeed("ada", self.peer, owner="ada", clock=self.clock, wall=lambda: self.clock() + 1e9)
        self.frames: list[Frame] = []
        self.feed.attach(self.frames.append)
        self.video = Packetiser(VIDEO, 7, timestamp_offset=0xFFFFF000)
        self.audio = Packetiser(AUDIO, 8)
        self.numbers = 0

    def publish(self, frame: Frame, *, lose: tuple[int, ...] = ()) -> None:
        """The frame's packets arrive now, but for those at the places in `lose`."""
        stream = self.audio if frame.codec is Codec.OPUS else self.video
        extension = build_extensions({3: self.numbers.to_bytes(2, "big"), 4: b"\x14"})
        for place, data in enumerate(stream.packets(frame, extension)):
            if place not in lose:
                self.peer.on_rtp(data, self.clock())
        self.numbers += 1

    def wake(self, seconds: float) -> list[object]:
        """So much later, the feed's timer rings; gives what it said."""
        self.clock.now += seconds
        before = len(self.peer.rtcp)
        self.feed._wake()
        return [report for data in self.peer.rtcp[before:] for report in rtcp.parse(data)]


@pytest.fixture
async def studio() -> AsyncIterator[Callable[..., Studio]]:
    """Makes studios, and closes their feeds."""
    made: list[Studio] = []

    def make(**video: object) -> Studio:
        made.append(Studio(**video))
        return made[-1]

    yield make
    for each in made:
        each.feed.close()


async def test_frames_come_out_as_they_went_in(studio: Callable[..., Studio]) -> None:
    """Picture and sound of a browser become frames with their times, codec and content."""
    at = studio()
    at.publish(picture(0, key=True))
    at.publish(sound(0))
    assert [(frame.codec, frame.data) for frame in at.frames] == [
        (Codec.H264, picture(0, key=True).data),
        (Codec.OPUS, sound(0).data),
    ]
    assert [frame.captured for frame in at.frames] == [at.clock(), at.clock()]
    assert at.feed.codecs() == (Codec.H264, Codec.OPUS)


async def test_timestamps_grow_over_the_wrap(studio: Callable[..., Studio]) -> None:
    """The 32-bit timestamp wraps in the first second; that of the frames does not."""
    at = studio()
    for index in range(10):
        at.publish(picture(index, key=index == 0))
    steps = [b.timestamp - a.timestamp for a, b in zip(at.frames, at.frames[1:], strict=False)]
    assert steps == [3000] * 9


async def test_a_lost_packet_is_asked_for_and_no_keyframe(studio: Callable[..., Studio]) -> None:
    """A hole means a NACK that names it; a keyframe is asked for only when the hole stays."""
    at = studio()
    at.publish(picture(0, key=True))
    at.publish(picture(1), lose=(1,))
    at.publish(picture(2))
    assert at.peer.rtcp == []
    said = at.wake(0.005)
    # Feedback about the line may be due at the same time.
    (asked,) = (report for report in said if not isinstance(report, Arrivals))
    assert isinstance(asked, rtcp.Nack)
    assert len(asked.sequences) == 1
    assert len(at.frames) == 1
    said = at.wake(0.6)
    assert rtcp.Pli(at.feed._ssrc, 7) in said
    assert len(at.frames) == 1
    at.publish(picture(3, key=True))
    assert at.frames[-1].data == picture(3, key=True).data
    assert not any(isinstance(report, rtcp.Pli) for report in at.wake(5.0))


async def test_a_calm_line_has_no_requests(studio: Callable[..., Studio]) -> None:
    """Ten seconds without loss: no NACK, and no keyframe asked for."""
    at = studio()
    said: list[object] = []
    for index in range(300):
        at.publish(picture(index, key=index == 0))
        at.publish(sound(index))
        said += at.wake(1 / 30)
    assert not any(isinstance(report, rtcp.Nack | rtcp.Pli | rtcp.Fir) for report in said)
    assert len(at.frames) == 600
    assert at.feed.health(at.clock()).verdict == "good"


async def test_many_who_want_a_keyframe_are_one_request(studio: Callable[..., Studio]) -> None:
    """However often a keyframe is asked for, the publisher hears it once until it has had time to answer."""
    at = studio()
    at.publish(picture(0, key=True))
    for _ in range(100):
        at.feed.request_keyframe()
    assert len(at.peer.rtcp) == 1


async def test_a_publisher_who_joins_without_a_keyframe_is_asked(studio: Callable[..., Studio]) -> None:
    """Pictures that nothing can be made of, from the first on, mean a keyframe request."""
    at = studio()
    at.publish(picture(5))
    assert [type(report) for data in at.peer.rtcp for report in rtcp.parse(data)] == [rtcp.Pli]
    assert at.frames == []


async def test_fir_where_there_is_no_pli(studio: Callable[..., Studio]) -> None:
    """A publisher that agreed to FIR alone gets that, numbered; one without either, nothing."""
    at = studio(feedback=frozenset({"ccm fir"}))
    at.publish(picture(5))
    assert rtcp.parse(at.peer.rtcp[0]) == [rtcp.Fir(at.feed._ssrc, ((7, 1),))]
    deaf = studio(feedback=frozenset())
    deaf.publish(picture(5))
    assert deaf.peer.rtcp == []


async def test_reports_carry_reception_ceiling_and_clock(studio: Callable[..., Studio]) -> None:
    """Within 100 ms of the first packet the publisher hears what arrived, and that 4 Mbit/s are welcome."""
    at = studio()
    at.publish(picture(0, key=True))
    at.publish(sound(0))
    said = at.wake(0.1)
    kinds = {type(report): report for report in said}
    assert {block.ssrc for block in kinds[rtcp.ReceiverReport].blocks} == {7, 8}  # type: ignore[attr-defined]
    assert kinds[rtcp.Remb].bitrate == pytest.approx(4_000_000, rel=1e-4)  # type: ignore[attr-defined]
    reference = kinds[rtcp.ReferenceTime]
    at.clock.now += 0.05
    answer = rtcp.RoundTrip(7, at.feed._ssrc, rtcp.middle(reference.ntp), 0)  # type: ignore[attr-defined]
    at.peer.on_rtcp(answer.build(), at.clock())
    assert at.peer.rtt == pytest.approx(0.05, abs=0.001)
    assert at.feed.health(at.clock()).rtt == at.peer.rtt


async def test_arrivals_are_reported(studio: Callable[..., Studio]) -> None:
    """Packets with transport-wide numbers are reported within 50 ms, in a message of its own kind."""
    at = studio()
    at.publish(picture(0, key=True))
    at.clock.now += 0.05
    at.feed._wake()
    assert any(data[0] & 0x1F == 15 and data[1] == 205 for data in at.peer.rtcp)
    plain = studio(extensions={Extension.AUDIO_LEVEL: 4})
    plain.publish(picture(0, key=True))
    plain.clock.now += 0.05
    plain.feed._wake()
    assert plain.peer.rtcp == []


async def test_level_of_the_sound(studio: Callable[..., Studio]) -> None:
    """The level is that of the audio-level extension."""
    at = studio()
    at.publish(sound(0))
    assert at.feed.health(at.clock()).level == -20.0


async def test_parameter_sets_of_the_offer_are_used(studio: Callable[..., Studio]) -> None:
    """An encoder that says SPS and PPS only in its SDP is understood; what cannot be read is passed over."""
    sets = ",".join(base64.b64encode(unit).decode() for unit in (SPS, PPS)) + ",***"
    at = studio(parameters={"sprop-parameter-sets": sets})
    bare = picture(0, key=True)
    at.publish(Frame(Codec.H264, bare.data[bare.data.rindex(b"\x00\x00\x00\x01") :], 0, 0.0))
    assert at.frames[0].data == bare.data


async def test_garbage_is_counted_and_changes_nothing(studio: Callable[..., Studio]) -> None:
    """Bad RTP, bad RTCP and payload types never agreed on are dropped; the feed goes on."""
    at = studio()
    at.publish(picture(0, key=True))
    for data in (b"", b"\x00" * 40, b"\x90" + bytes(11) + b"\xbe\xde\xff\xff", bytes((0x80, 99)) + bytes(30)):
        at.peer.on_rtp(data, at.clock())
        at.peer.on_rtcp(data, at.clock())
    assert at.feed.malformed >= 6
    at.publish(picture(1))
    assert len(at.frames) == 2


async def test_feed_and_peer_end_together(studio: Callable[..., Studio]) -> None:
    """A peer that leaves takes its feed along, and a feed that is replaced its peer; no timer is left."""
    one, two = studio(), studio()
    told: list[str] = []
    one.feed.on_closed.append(told.append)
    one.publish(picture(0, key=True))
    one.peer.close("left")
    assert told == ["left"]
    two.publish(picture(0, key=True))
    two.feed.close("replaced")
    assert two.peer.state == "closed"
    assert one.feed._timer is None
    assert two.feed._timer is None
    two.publish(picture(1))
    await asyncio.sleep(0)
    assert len(two.frames) == 1
