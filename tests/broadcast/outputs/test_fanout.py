"""The fan-out against peers in memory: numbering, joining, repair, keyframe requests and overload."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.outputs.fanout import FULL, PROMPT, RESEND_SPAN, Fanout
from broadcast.outputs.pump import BACKLOG, TURN
from broadcast.outputs.resends import AT_ONCE, SHARE
from broadcast.rtp import rtcp
from broadcast.rtp.depacketise import depacketiser
from broadcast.rtp.frame import Codec, Frame
from broadcast.rtp.packet import parse, sequence_delta
from broadcast.transport.sdp import Extension, Negotiated
from tests.support.rtp import Clock, FakePeer, FakePort, picture, sound, track

VIDEO, AUDIO = 106, 109


class Hall:
    """A fan-out with a clock moved by hand, and calls put off to the next turn."""

    def __init__(self, **settings: object) -> None:
        self.clock, self.port = Clock(), FakePort()
        self.later: list[Callable[[], None]] = []
        self.asked: list[float] = []
        self.fanout = Fanout(
            self.port,  # type: ignore[arg-type]
            clock=self.clock,
            wall=lambda: self.clock() + 1e9,
            defer=self.later.append,
            **settings,  # type: ignore[arg-type]
        )
        self.fanout.on_keyframe_needed = lambda name: self.asked.append(self.clock())
        self.count = 0

    def viewer(self, name: str, *, video: int = VIDEO, connected: bool = True, **changes: object) -> FakePeer:
        """A viewer with these payload types."""
        changes.setdefault("extensions", {})
        tracks = (track(Codec.H264, video, **changes), track(Codec.OPUS, AUDIO, **changes))
        peer = FakePeer(Negotiated(*tracks), id=name, state="connected" if connected else "new")
        self.fanout.add_viewer(peer)  # type: ignore[arg-type]
        return peer

    def frame(self, *, key: bool = False, size: int = 3000) -> Frame:
        """The programme's next picture goes out, a thirtieth later."""
        self.clock.now += 1 / 30
        made = picture(self.count, key=key, size=size)
        frame = Frame(made.codec, made.data, made.timestamp, self.clock(), key)
        self.count += 1
        self.fanout.send(frame)
        return frame

    def turn(self) -> None:
        """One more turn of the event loop."""
        calls, self.later[:] = list(self.later), []
        for call in calls:
            call()


def pictures(peer: FakePeer) -> list[bytes]:
    """What the viewer's decoder gets, and that no number is missing."""
    reader, found, last = depacketiser(Codec.H264), [], None
    for packet in map(parse, peer.rtp):
        if packet.payload_type != AUDIO:
            assert last is None or sequence_delta(packet.sequence, last) == 1
            last = packet.sequence
            found += [unit.data for unit in reader.push(packet, 0.0, False)]
    return found


def test_everybody_gets_the_programme() -> None:
    """Viewers with other payload types get the same packets but for those, with the same SSRC and numbers."""
    hall = Hall()
    one, two = hall.viewer("one"), hall.viewer("two", video=97)
    sent = [hall.frame(key=index == 0) for index in range(5)]
    assert pictures(one) == pictures(two) == [frame.data for frame in sent]
    for ours, theirs in zip(one.rtp, two.rtp, strict=True):
        assert (ours[1] & 0x7F, theirs[1] & 0x7F) == (VIDEO, 97)
        assert ours[2:] == theirs[2:]
        assert parse(ours).ssrc == hall.fanout.track.video_ssrc


def test_header_work_is_once_for_a_group() -> None:
    """A hundred viewers with the same headers are one burst a frame."""
    hall = Hall()
    for index in range(100):
        hall.viewer(str(index))
    hall.frame(key=True)
    assert [peers for peers, _ in hall.port.bursts] == [100]


@given(st.lists(st.sampled_from(["picture", "key", "sound", "join", "leave"]), max_size=60))
@settings(max_examples=60)
def test_numbers_are_continuous_for_everybody(steps: list[str]) -> None:
    """Whoever comes and goes when: no viewer's numbers have a hole, and each begins with a keyframe."""
    hall, peers = Hall(), []
    for index, step in enumerate(steps):
        if step == "join":
            peers.append(hall.viewer(str(index)))
        elif step == "leave" and peers:
            peers[index % len(peers)].close("left")
        elif step == "sound":
            hall.fanout.send(sound(index))
        elif step in ("picture", "key"):
            hall.frame(key=step == "key", size=300)
        hall.turn()
    for peer in peers:
        video = [parse(data) for data in peer.rtp if parse(data).payload_type == VIDEO]
        marked = sum(packet.marker for packet in video)
        assert len(pictures(peer)) == marked


def test_a_mixer_that_starts_again_is_not_seen() -> None:
    """Timestamps go on, so numbers do; frames that would go back in time are left out and counted."""
    hall = Hall()
    peer = hall.viewer("one")
    hall.frame(key=True)
    hall.frame()
    again = picture(1, key=True)
    hall.fanout.send(again)
    hall.frame(key=True)
    stamps = [parse(data).timestamp for data in peer.rtp]
    assert [(b - a) & 0xFFFFFFFF for a, b in itertools.pairwise(stamps) if a != b] == [3000, 3000]
    assert len(pictures(peer)) == 3
    assert hall.fanout.stats()["stale_frames"] == 1


def test_a_joiner_has_sound_at_once_and_a_forced_keyframe() -> None:
    """The mixer is asked at once; pictures begin with its keyframe, sound does not wait for it."""
    hall = Hall()
    hall.frame(key=True)
    hall.clock.now += 1.5
    hall.frame()
    late = hall.viewer("late", connected=False)
    assert hall.asked == []
    late.state = "connected"
    late.on_connected()
    assert hall.asked == [hall.clock()]
    hall.fanout.send(sound(1))
    hall.frame()
    assert [parse(data).payload_type for data in late.rtp] == [AUDIO]
    frame = hall.frame(key=True)
    assert pictures(late) == [frame.data]
    assert hall.fanout.stats()["waiting"] == 0


def test_a_near_joiner_has_its_keyframe_made_during_the_handshake() -> None:
    """Asked for at the first check, replayed to who is connected then; over a long line not before."""
    hall = Hall()
    hall.frame(key=True)
    hall.clock.now += 1.5
    far = hall.viewer("far", connected=False)
    hall.clock.now += PROMPT
    far.on_reached()
    assert hall.asked == []
    near = hall.viewer("near", connected=False)
    near.on_reached()
    assert len(hall.asked) == 1
    sent = [hall.frame(key=True), hall.frame()]
    near.state = "connected"
    near.on_connected()
    assert pictures(near) == [frame.data for frame in sent]
    assert len(hall.asked) == 1


def test_joiners_share_one_keyframe() -> None:
    """Fifty at once are one request; those who come when it is spent get the newest keyframe replayed."""
    hall = Hall()
    first = [hall.viewer(str(index)) for index in range(50)]
    assert len(hall.asked) == 1
    sent = [hall.frame(key=index == 0) for index in range(15)]
    assert all(pictures(peer) == [frame.data for frame in sent] for peer in first)
    late = hall.viewer("late")
    assert len(hall.asked) == 1
    assert pictures(late) == [frame.data for frame in sent]
    sent.append(hall.frame())
    assert pictures(late) == [frame.data for frame in sent]
    assert hall.fanout.stats()["replays"] == 1


def test_a_mixer_that_does_not_answer_is_asked_again() -> None:
    """A wanted keyframe stays wanted: once a second, as long as frames come."""
    hall = Hall()
    hall.viewer("one")
    for _ in range(95):
        hall.frame()
    assert len(hall.asked) == 4


def test_lost_packets_come_again_byte_for_byte() -> None:
    """A NACK is answered with the very packets; what was never sent is passed over."""
    hall = Hall()
    peer = hall.viewer("one")
    hall.frame(key=True, size=20000)
    sent = list(peer.rtp)
    missing = tuple(parse(data).sequence for data in sent[2:5])
    ahead = parse(sent[-1]).sequence + 9 & 0xFFFF
    nack = rtcp.Nack(1, hall.fanout.track.video_ssrc, (*missing, ahead))
    hall.asked.clear()
    peer.on_rtcp(nack.build(), hall.clock())
    assert sorted(peer.rtp[len(sent) :]) == sorted(sent[2:5])
    assert hall.asked == []


def test_what_cannot_be_repaired_means_a_keyframe() -> None:
    """A packet that history no longer has would freeze the picture for seconds: a keyframe comes instead."""
    hall = Hall()
    peer = hall.viewer("one")
    hall.frame(key=True)
    first = parse(peer.rtp[0]).sequence
    while hall.fanout.stats()["video_packets"] < RESEND_SPAN + 5:
        hall.frame(size=30000)
    hall.asked.clear()
    hall.clock.now += 1.0
    count = len(peer.rtp)
    peer.on_rtcp(rtcp.Nack(1, hall.fanout.track.video_ssrc, (first,)).build(), hall.clock())
    assert len(peer.rtp) == count
    assert len(hall.asked) == 1


def test_requests_of_a_thousand_viewers_are_one() -> None:
    """However many ask for a keyframe and how often, the mixer is asked at most once a second."""
    hall = Hall()
    peers = [hall.viewer(str(index)) for index in range(1000)]
    hall.frame(key=True)
    hall.asked.clear()
    start = hall.clock()
    for _ in range(60):
        for peer in peers[:50]:
            peer.on_rtcp(rtcp.Pli(1, hall.fanout.track.video_ssrc).build(), hall.clock())
        hall.frame()
    assert len(hall.asked) <= 2
    assert all(b - a >= 1.0 for a, b in zip([start - 1, *hall.asked], hall.asked, strict=False))


def test_one_viewer_cannot_force_keyframes_for_ever() -> None:
    """A viewer that never stops asking is heard less and less."""
    hall = Hall()
    peer = hall.viewer("one")
    hall.frame(key=True)
    hall.asked.clear()
    for _ in range(60):
        hall.clock.now += 1.0
        peer.on_rtcp(rtcp.Pli(1, hall.fanout.track.video_ssrc).build(), hall.clock())
        hall.frame(key=bool(hall.asked) and hall.asked[-1] == hall.clock())
    assert len(hall.asked) <= 20


def test_a_flood_of_requests_costs_little() -> None:
    """Resends to one viewer are limited, so that it cannot make us send more than the programme's rate."""
    hall = Hall()
    peer = hall.viewer("one")
    hall.frame(key=True, size=60000)
    before, sequence = len(peer.rtp), parse(peer.rtp[0]).sequence
    for _ in range(100):
        hall.clock.now += 0.1
        wanted = tuple((sequence + index) & 0xFFFF for index in range(40))
        peer.on_rtcp(rtcp.Nack(1, hall.fanout.track.video_ssrc, wanted).build(), hall.clock())
    again = peer.rtp[before:]
    assert sum(map(len, again)) * 8 <= (AT_ONCE + SHARE * 10) * FULL[0].rate
    assert len(set(again)) == 40
    assert hall.fanout.stats()["resends_refused"] > 0


def test_feedback_is_read_up_to_a_limit() -> None:
    """Datagrams that name thousands of packets, and too many of them, are left; what comes later is read."""
    hall = Hall()
    peer = hall.viewer("one")
    hall.frame(key=True, size=60000)
    video = hall.fanout.track.video_ssrc
    ahead = rtcp.Nack(1, video, tuple(range(8000))).build()
    for _ in range(100):
        peer.on_rtcp(ahead, hall.clock())
    assert hall.fanout.stats()["unread"] == 100
    sequence, before = parse(peer.rtp[0]).sequence, len(peer.rtp)
    hall.clock.now += 10
    peer.on_rtcp(rtcp.Nack(1, video, (sequence,)).build(), hall.clock())
    assert len(peer.rtp) == before + 1


def test_sender_reports_tie_the_clocks() -> None:
    """Each viewer gets a report a second for each kind, anchored at capture, with one name for both."""
    hall = Hall()
    peers = [hall.viewer(str(index)) for index in range(7)]
    hall.frame(key=True)
    hall.fanout.send(Frame(Codec.OPUS, b"x", 960, hall.clock()))
    for _ in range(239):
        hall.frame()
    for peer in peers:
        assert 2 <= len(peer.rtcp) <= 4
        for report in rtcp.parse(peer.rtcp[-1]):
            assert isinstance(report, rtcp.SenderReport)
            at = rtcp.from_ntp(report.ntp) - 1e9
            video = report.ssrc == hall.fanout.track.video_ssrc
            stream = hall.fanout._streams["video" if video else "audio"]  # type: ignore[index]
            assert stream.last is not None
            anchor, rate = stream.last, 90000 if video else 48000
            ticks = report.timestamp - anchor.timestamp - stream._offset & 0xFFFFFFFF
            ticks -= 2**32 if ticks & 0x80000000 else 0
            assert anchor.captured + ticks / rate == pytest.approx(at, abs=0.04)


def test_receiver_reports_are_noted() -> None:
    """Loss and round trip of a viewer are known from its reports."""
    hall = Hall()
    peer = hall.viewer("one")
    hall.frame(key=True)
    for _ in range(80):
        hall.frame()
    report = next(each for each in rtcp.parse(peer.rtcp[-1]) if isinstance(each, rtcp.SenderReport))
    sent = rtcp.from_ntp(report.ntp) - 1e9
    block = rtcp.ReportBlock(report.ssrc, 64, 9, 100, 0, rtcp.middle(report.ntp), 0)
    hall.clock.now += 0.01
    peer.on_rtcp(rtcp.ReceiverReport(5, (block,)).build(), hall.clock())
    assert peer.rtt == pytest.approx(hall.clock() - sent, abs=0.001)
    assert hall.fanout.stats()["loss"] == 0.25


def test_bad_rtcp_is_counted() -> None:
    """Garbage from a viewer is dropped, counted, and harms nobody."""
    hall = Hall()
    peer = hall.viewer("one")
    for length in range(40):
        peer.on_rtcp(b"\x81\xc9\xff\xff" + bytes(length), hall.clock())
    assert hall.fanout.stats()["malformed"] == 40
    hall.frame(key=True)
    assert len(pictures(peer)) == 1


def test_who_leaves_gets_nothing_more() -> None:
    """A viewer that goes is forgotten, with its group, and whoever watched it go is told too."""
    hall = Hall()
    told: list[str] = []
    peer = FakePeer(Negotiated(track(Codec.H264, VIDEO), None))
    peer.when_closed(told.append)
    hall.fanout.add_viewer(peer)  # type: ignore[arg-type]
    hall.frame(key=True)
    peer.close("left")
    count = len(peer.rtp)
    hall.frame()
    assert told == ["left"]
    assert len(peer.rtp) == count
    assert hall.fanout.stats()["viewers"] == 0
    assert not hall.fanout.renditions.watching(0)


def test_sound_alone_and_picture_alone() -> None:
    """A viewer that wants one kind gets that, and asks no keyframe for sound."""
    hall = Hall()
    hall.fanout.add_viewer(FakePeer(Negotiated(None, track(Codec.OPUS, AUDIO)), id="radio"))  # type: ignore[arg-type]
    assert hall.asked == []
    silent = FakePeer(Negotiated(track(Codec.H264, VIDEO), None), id="silent")
    hall.fanout.add_viewer(silent)  # type: ignore[arg-type]
    assert len(hall.asked) == 1
    hall.fanout.send(sound(1))
    assert silent.rtp == []


def test_playout_delay_only_where_it_is_known() -> None:
    """With the option, viewers that negotiated the extension are asked to show at once; the others not."""
    hall = Hall(playout_delay=(0.0, 0.0))
    knows = hall.viewer("knows", extensions={Extension.PLAYOUT_DELAY: 6})
    other = hall.viewer("other")
    hall.frame(key=True)
    assert parse(knows.rtp[0]).extensions() == {6: bytes(3)}
    assert parse(other.rtp[0]).extensions() == {}
    assert [parse(data).payload for data in knows.rtp] == [parse(data).payload for data in other.rtp]


def test_a_keyframe_for_many_does_not_hold_up_sound() -> None:
    """A turn's work is bounded: sound sent behind a keyframe is out before the keyframe is."""
    hall = Hall()
    peers = [hall.viewer(str(index)) for index in range(400)]
    frame = hall.frame(key=True, size=75000)
    assert sum(peers * packets for peers, packets in hall.port.bursts) <= TURN + 70
    hall.fanout.send(sound(1))
    assert all(parse(peer.rtp[-1]).payload_type == AUDIO for peer in peers)
    assert pictures(peers[-1]) == []
    after = hall.frame()
    while hall.later:
        before = len(hall.port.bursts)
        hall.turn()
        assert sum(peers * packets for peers, packets in hall.port.bursts[before:]) <= TURN + 70
    assert all(pictures(peer) == [frame.data, after.data] for peer in peers)


def test_when_the_machine_does_not_keep_up_pictures_are_left_out_before_they_are_numbered() -> None:
    """The backlog is bounded; what viewers get has no hole, and starts again with a keyframe."""
    hall = Hall()
    peers = [hall.viewer(str(index)) for index in range(1200)]
    hall.frame(key=True, size=50000)
    for _ in range(2 * BACKLOG):
        hall.frame()
    assert hall.fanout.stats()["frames_dropped"] > 0
    while hall.later:
        hall.turn()
    hall.frame()
    assert hall.asked
    frame = hall.frame(key=True)
    while hall.later:
        hall.turn()
    assert pictures(peers[0])[-1] == pictures(peers[-1])[-1] == frame.data
