"""Changes of rendition as a viewer sees them: no hole in the numbers, whole pictures, the same bytes."""

from collections.abc import Iterable
from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.outputs.fanout import Fanout
from broadcast.outputs.numbering import SPANS, Numbering, Span
from broadcast.outputs.renditions import Size
from broadcast.outputs.stream import Face
from broadcast.rtp import rtcp
from broadcast.rtp.depacketise import depacketiser
from broadcast.rtp.frame import Codec, Frame
from broadcast.rtp.packet import parse, sequence_delta
from broadcast.rtp.transport_cc import ArrivalLog
from broadcast.transport.sdp import Extension, Negotiated
from tests.support.rtp import Clock, FakePeer, FakePort, picture, sound, track

VIDEO, COUNTER = 106, 3
SIZES = (Size("720p", 2_771_000), Size("360p", 545_000))
GOP = 60


class House:
    """A fan-out of two renditions whose pictures say which they are, and viewers with feedback."""

    def __init__(self) -> None:
        self.clock, self.port = Clock(), FakePort()
        self.asked: list[str] = []
        self.fanout = Fanout(
            self.port,  # type: ignore[arg-type]
            sizes=SIZES,
            clock=self.clock,
            wall=lambda: self.clock() + 1e9,
            defer=lambda call: call(),
        )
        self.fanout.on_keyframe_needed = self.asked.append
        self.tick = 0

    def viewer(self, name: str = "ada", feedback: bool = True) -> FakePeer:
        extensions = {Extension.TRANSPORT_CC: COUNTER} if feedback else {}
        words = frozenset({"nack", "nack pli", "transport-cc"} if feedback else {"nack", "nack pli"})
        video = track(Codec.H264, VIDEO, extensions=extensions, feedback=words)
        peer = FakePeer(Negotiated(video, track(Codec.OPUS, 109, extensions={})), id=name)
        self.fanout.add_viewer(peer)  # type: ignore[arg-type]
        return peer

    def run(self, ticks: int) -> None:
        """The mixer's next ticks: keyframes first, as it sends them."""
        for _ in range(ticks):
            self.clock.now += 1 / 30
            regular = self.tick % GOP == 0
            keys = {name: regular or name in self.asked for name in ("", "360p")}
            self.asked.clear()
            for name in sorted(keys, key=lambda each: not keys[each]):
                size = 700 if name else 3500
                made = picture(self.tick, key=keys[name], size=size)
                frame = Frame(made.codec, made.data, made.timestamp, self.clock(), keys[name])
                if name:
                    self.fanout.send_rendition(name, frame)
                else:
                    self.fanout.send(frame)
            self.fanout.send(sound(self.tick))
            self.tick += 1

    def hear(self, peer: FakePeer, rate: float, seconds: float) -> None:
        """So many seconds over a line of this rate (bit/s), with feedback each tenth of a second."""
        log, seen, free = ArrivalLog(), len(peer.rtp), self.clock()
        for step in range(round(seconds * 30)):
            self.run(1)
            for data in peer.rtp[seen:]:
                free = max(free, self.clock()) + 8 * len(data) / rate
                packet = parse(data)
                number = packet.extensions().get(COUNTER)
                if packet.payload_type == VIDEO and number:
                    log.received(int.from_bytes(number, "big"), free)
            seen = len(peer.rtp)
            message = log.message(1, 2) if step % 3 == 2 else None
            if message:
                peer.on_rtcp(message, self.clock())


def check(peer: FakePeer) -> list[int]:
    """Every number once and in order, one SSRC, timestamps that never go back, each with whole pictures that
    begin with a keyframe after each change. The sizes of the pictures."""
    reader, last, sizes = depacketiser(Codec.H264), None, []
    for packet in map(parse, peer.rtp):
        if packet.payload_type != VIDEO:
            continue
        if last is not None:
            assert sequence_delta(packet.sequence, last.sequence) == 1
            assert (packet.timestamp - last.timestamp) & 0xFFFFFFFF < 1 << 31
            assert packet.ssrc == last.ssrc
        last = packet
        if packet.payload:
            for unit in reader.push(packet, 0.0, False):
                large = len(unit.data) > 2000
                if not sizes or large != (sizes[-1] > 2000):
                    assert unit.keyframe, "a change begins with a keyframe"
                sizes.append(len(unit.data))
    return sizes


def test_a_pinned_rendition_comes_and_goes_without_a_hole() -> None:
    """360p at the next forced keyframe, 720p again at its next; nobody else notices."""
    house = House()
    ada, bert = house.viewer("ada"), house.viewer("bert")
    house.run(10)
    assert house.fanout.pin("ada", "360p")
    assert house.asked == ["360p"]
    house.run(10)
    assert house.fanout.rendition("ada") == ("360p", "360p")
    assert house.fanout.rendition("bert") == ("auto", "720p")
    house.fanout.pin("ada", "720p")
    house.run(40)
    assert house.fanout.rendition("ada") == ("720p", "720p")
    sizes = check(ada)
    assert [large for large, _ in groupby(sizes, lambda size: size > 2000)] == [True, False, True]
    assert len(sizes) == 60
    assert all(size > 2000 for size in check(bert))
    assert not house.fanout.pin("ada", "90p")
    assert not house.fanout.pin("nobody", "360p")
    assert house.fanout.pin("ada", "auto")


@given(st.lists(st.tuples(st.sampled_from(["360p", "720p", "auto"]), st.integers(0, 90)), max_size=8))
@settings(max_examples=40)
def test_numbers_go_on_through_any_changes(changes: Iterable[tuple[str, int]]) -> None:
    """Whoever asks for what and when: no hole, no number twice, no change but at a keyframe."""
    house = House()
    ada, bert = house.viewer("ada"), house.viewer("bert", feedback=False)
    for name, ticks in changes:
        house.run(ticks)
        house.fanout.pin("ada", name)
        house.fanout.pin("bert", name)
    house.run(70)
    assert len(check(ada)) >= len(check(bert)) - 1 > 60


def test_a_thin_line_goes_down_and_up_again_by_its_feedback() -> None:
    """600 kbit/s: small within 3 s, padding has numbers of its own; wide again: large within 15 s."""
    house = House()
    ada, bert = house.viewer("ada"), house.viewer("bert")
    house.hear(ada, 600e3, 3)
    assert house.fanout.rendition("ada") == ("auto", "360p")
    house.hear(ada, 50e6, 15)
    assert house.fanout.rendition("ada") == ("auto", "720p")
    stats = house.fanout.stats()
    assert (stats["switched_down"], stats["switched_up"], stats["viewers_smaller"]) == (1, 1, 0)
    assert stats["padding"] > 0
    check(ada)
    assert all(size > 2000 for size in check(bert))


def test_a_thin_line_is_left_to_drain() -> None:
    """From the moment when the small one is asked for until it comes, nothing of the large one is sent."""
    house = House()
    ada = house.viewer()
    asked: dict[str, int] = {}  # when, in packets; the mixer makes regular keyframes only
    house.fanout.on_keyframe_needed = lambda name: asked.setdefault(name, len(ada.rtp))
    house.hear(ada, 600e3, (GOP - 1) / 30)
    assert "360p" in asked
    assert all(parse(data).payload_type != VIDEO for data in ada.rtp[asked["360p"] :])
    house.run(GOP)
    assert house.fanout.rendition("ada") == ("auto", "360p")
    check(ada)


def test_what_is_sent_again_is_the_same_to_the_last_byte() -> None:
    """Pictures and padding of the rendition that it has; what came before the change is not worth its way."""
    house = House()
    ada = house.viewer()
    house.hear(ada, 600e3, 3)
    house.hear(ada, 50e6, 6)
    house.run(1)
    sent = [data for data in ada.rtp if parse(data).payload_type == VIDEO]
    kinds = {bool(parse(data).payload) for data in sent[-400:]}
    assert kinds == {True, False}
    for data in sent[-400:]:
        before = len(ada.rtp)
        house.clock.now += 0.1
        ada.on_rtcp(rtcp.Nack(1, house.fanout.track.video_ssrc, (parse(data).sequence,)).build(), 0.0)
        assert ada.rtp[before:] in ([], [data])
    assert house.fanout.stats()["resent"] > 300
    assert house.fanout.stats()["unservable"] == 0


def test_who_is_on_the_way_down_gets_no_more_keyframe_of_the_large_one() -> None:
    """At a regular tick, where both have one, only the small one's goes to it."""
    house = House()
    ada = house.viewer()
    house.run(GOP - 1)
    house.fanout.pin("ada", "360p")
    house.asked.clear()
    house.run(3)
    sizes = check(ada)
    assert [size > 2000 for size in sizes] == [True] * GOP + [False] * 2


def test_numbers_are_found_again() -> None:
    """Each number belongs to the span that began last at or before it, over the wrap as well."""
    numbering = Numbering()
    for index in range(SPANS + 5):
        numbering.note(Span((65000 + 10 * index) & 0xFFFF, index, Face(VIDEO)))
    newest = (65000 + 10 * (SPANS + 4)) & 0xFFFF
    for back in range(10 * SPANS - 10):
        span = numbering.find((newest - back) & 0xFFFF)
        assert span is not None
        assert span.rendition == SPANS + 4 - -(-back // 10)
    assert numbering.find(65000) is None
    numbering.note(Span(newest, 99, Face(VIDEO)))
    found = numbering.find(newest)
    assert found is not None
    assert found.rendition == 99


def test_lost_packets_are_sent_again_after_all_numbers_have_come_round() -> None:
    """For as long as a viewer watches one rendition, and over the wrap of its numbers more than once."""
    house = House()
    ada = house.viewer(feedback=False)
    for _ in range(80):
        house.run(300)
        asked = parse([each for each in ada.rtp if parse(each).payload_type == VIDEO][-3])
        ada.rtp.clear()
        ssrc = house.fanout.track.video_ssrc
        report = rtcp.ReceiverReport(1, (rtcp.ReportBlock(ssrc, 0, 0, 0, 0, 0, 0),))
        ada.on_rtcp(report.build() + rtcp.Nack(1, ssrc, (asked.sequence,)).build(), house.clock())
        assert [parse(each).sequence for each in ada.rtp] == [asked.sequence]
    assert house.fanout.stats()["video_packets"] > 80_000
