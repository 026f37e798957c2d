"""A whole incoming stream over a simulated line: loss, shuffling, doubles, and requests that are answered."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.rtp import h264
from broadcast.rtp.clock import FeedClock
from broadcast.rtp.frame import Codec, Frame
from broadcast.rtp.packet import Packet, parse
from broadcast.rtp.packetise import Packetiser
from broadcast.rtp.receiver import Receiver
from broadcast.rtp.rtcp import SenderReport, to_ntp
from tests.support.rtp import nal, network, picture, sound, vp8_picture


def play(frames: list[Frame], seed: int, loss: float, *, answers: bool) -> tuple[Receiver, list[Frame]]:
    """The frames over a line with 20 ms each way, calm for the first of them; packets that are asked for come
    again, if `answers`."""
    dice = random.Random(seed)
    stream = Packetiser(96, 5, sequence=65000)
    receiver = Receiver(frames[0].codec, FeedClock())
    receiver.round_trip(0.04)
    sent: dict[int, bytes] = {}
    line: list[tuple[float, bytes]] = []
    for frame in frames:
        for data in stream.packets(frame):
            sent[parse(data).sequence] = data
            calm = frame is frames[0]
            if calm or dice.random() >= loss:
                line.append((frame.captured + 0.02 + (0 if calm else dice.uniform(0, 0.004)), data))
    found, now = [], 0.0
    while line or now < frames[-1].captured + 2:
        now += 0.002
        line.sort(key=lambda pair: pair[0])
        while line and line[0][0] <= now:
            _, data = line.pop(0)
            found += receiver.packet(parse(data), now)
        found += receiver.poll(now)
        asked = [sent[sequence] for sequence in receiver.missing(now) if answers and dice.random() >= loss]
        line += [(now + 0.04, data) for data in asked]
    return receiver, found


@given(st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_requests_repair_the_picture(seed: int) -> None:
    """With 3 % loss and answers to the requests, every picture arrives whole and in order; only the last may
    miss its end, as nothing comes behind it that would show the hole."""
    frames = [picture(index, key=index == 0, size=4000) for index in range(60)]
    receiver, found = play(frames, seed, 0.03, answers=True)
    assert len(found) >= len(frames) - 1
    assert [frame.data for frame in found] == [frame.data for frame in frames[: len(found)]]
    assert receiver.order.lost == 0
    assert not receiver.spoilt()


@given(st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_without_answers_a_keyframe_is_wanted(seed: int) -> None:
    """When lost packets never come, what comes out is whole, and a keyframe is wanted."""
    frames = [picture(index, key=index % 30 == 0, size=4000) for index in range(90)]
    receiver, found = play(frames, seed, 0.02, answers=False)
    whole = {frame.data for frame in frames}
    assert all(frame.data in whole for frame in found)
    assert receiver.spoilt() or len(found) >= len(frames) - 1


@given(st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_sound_is_in_order_and_never_asked_for(seed: int) -> None:
    """Sound has no time for requests: what is lost stays lost, the rest is in order."""
    frames = [sound(index) for index in range(200)]
    receiver, found = play(frames, seed, 0.05, answers=True)
    stamps = [frame.timestamp for frame in found]
    assert stamps == sorted(set(stamps))
    assert receiver.order.recovered == 0


def test_frames_are_handed_on_with_their_last_packet() -> None:
    """On a calm line no frame waits for anything that comes after it."""
    receiver, stream = Receiver(Codec.H264, FeedClock()), Packetiser(96, 5)
    for index in range(20):
        packets = [parse(data) for data in stream.packets(picture(index, key=index == 0))]
        handed = [receiver.packet(packet, index / 30) for packet in packets]
        assert [len(found) for found in handed] == [0] * (len(packets) - 1) + [1]


def slices(count: int, ids: bool) -> list[Frame]:
    """Pictures that say which one they are: by frame_num (four bits in this SPS), or by a picture id."""
    if ids:
        return [vp8_picture(index, key=index == 0) for index in range(count)]
    made = [picture(0, key=True)]
    for index in range(1, count):
        head = bytes((0x61, 0b11100000 | index % 16 << 1 | 1))  # first macroblock 0, P, PPS 0, frame_num
        data = h264.annex_b([head + nal(h264.SLICE, 3000, index)[2:]])
        made.append(Frame(Codec.H264, data, index * 3000, index / 30, False))
    return made


@pytest.mark.parametrize("ids", [False, True], ids=["h264", "vp8"])
def test_lost_padding_costs_nothing(ids: bool) -> None:
    """Between pictures that plainly follow one another only padding can be missing: no wait, no request, no
    keyframe; a picture that is really missing is waited for and asked for."""
    frames = slices(40, ids)
    receiver, stream, found = Receiver(frames[0].codec, FeedClock()), Packetiser(96, 5), []
    for index, frame in enumerate(frames):
        packets = [parse(data) for data in stream.packets(frame)]
        stream.sequence += 3  # of padding, of which the middle one is lost
        if index == 30:
            continue  # a whole picture is lost
        ends = (stream.sequence - 3, stream.sequence - 1)
        packets += [Packet(96, False, number & 0xFFFF, frame.timestamp, 5, b"") for number in ends]
        for packet in packets:
            found += receiver.packet(packet, index / 30)
        if index == 29:
            assert len(found) == 30
            assert not receiver.missing(1.0)
            assert not receiver.spoilt()
    assert len(found) == 30
    assert receiver.missing(40 / 30)


def test_a_keyframe_behind_a_hole_does_not_wait() -> None:
    """What is missing before a keyframe no longer matters."""
    receiver, stream, found = Receiver(Codec.H264, FeedClock()), Packetiser(96, 5), []
    for index in range(6):
        for data in stream.packets(picture(index, key=index in (0, 4))):
            if index != 3:
                found += receiver.packet(parse(data), index / 30)
    assert [frame.timestamp // 3000 for frame in found] == [0, 1, 2, 4, 5]
    assert receiver.due() is None


def test_a_second_sender_waits_until_the_first_is_silent() -> None:
    """Packets of another SSRC are left out while the first speaks, and take over after a second."""
    receiver = Receiver(Codec.OPUS, FeedClock())
    first, second = Packetiser(96, 1), Packetiser(96, 2)

    def push(stream: Packetiser, index: int, now: float) -> int:
        return sum(len(receiver.packet(parse(data), now)) for data in stream.packets(sound(index)))

    assert push(first, 0, 0.0) == 1
    assert push(second, 0, 0.5) == 0
    assert push(first, 1, 0.6) == 1
    assert push(second, 1, 1.7) == 1
    assert receiver.strangers == 1
    assert receiver.ssrc == 2


def test_a_report_without_a_clock_is_for_round_trips_only() -> None:
    """NTP 0 means that the sender has no clock (RFC 3550): the mapping stays with arrival."""
    receiver, stream = Receiver(Codec.OPUS, FeedClock()), Packetiser(96, 1)
    for index in range(10):
        for data in stream.packets(sound(index)):
            receiver.packet(parse(data), index / 50)
    receiver.report(SenderReport(1, 0, 960, 1, 1), 0.3)
    assert not receiver.stream.synchronised
    receiver.report(SenderReport(1, to_ntp(1.7e9), 9 * 960, 1, 1), 9 / 50)
    for data in stream.packets(sound(10)):
        receiver.packet(parse(data), 0.2)
    assert receiver.stream.synchronised


@given(st.integers(0, 2**32), st.floats(0, 0.5), st.integers(0, 60))
@settings(max_examples=20, deadline=None)
def test_any_line_gives_whole_pictures(seed: int, loss: float, reach: int) -> None:
    """However bad the line, pictures come out whole, in order, and once."""
    frames = [picture(index, key=index % 8 == 0, size=2500) for index in range(80)]
    stream, receiver, found = Packetiser(96, 1, sequence=65400), Receiver(Codec.H264, FeedClock()), []
    packets = [parse(data) for frame in frames for data in stream.packets(frame)]
    for place, packet in enumerate(network(packets, seed, loss=loss, twice=0.1, reach=reach)):
        found += receiver.packet(packet, place * 0.01)
        found += receiver.poll(place * 0.01)
    sent = {frame.data for frame in frames}
    assert all(frame.data in sent for frame in found)
    stamps = [frame.timestamp for frame in found]
    assert stamps == sorted(set(stamps))
