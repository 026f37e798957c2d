"""What viewers say to the fan-out: lost packets, keyframe requests, reports, and too much of any of it."""

import pytest

from broadcast.outputs.fanout import FULL, RESEND_SPAN
from broadcast.outputs.resends import AT_ONCE, SHARE
from broadcast.rtp import rtcp
from broadcast.rtp.packet import parse
from tests.support.hall import Hall, pictures


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
