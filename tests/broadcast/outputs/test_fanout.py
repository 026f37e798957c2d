"""The fan-out against peers in memory: numbering, joining, reports and overload."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.outputs.fanout import PROMPT
from broadcast.outputs.pump import BACKLOG, TURN
from broadcast.rtp import rtcp
from broadcast.rtp.frame import Codec, Frame
from broadcast.rtp.packet import parse
from broadcast.transport.sdp import Extension, Negotiated
from tests.support.hall import AUDIO, VIDEO, Hall, pictures
from tests.support.rtp import FakePeer, picture, sound, track


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
