"""Frames to packets and back: whole on a good line, whole or missing on a bad one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.errors import MalformedError
from broadcast.rtp import h264, vp8
from broadcast.rtp.depacketise import Unit, depacketiser
from broadcast.rtp.frame import Codec, Frame
from broadcast.rtp.packet import Packet, parse, sequence_delta
from broadcast.rtp.packetise import PAYLOAD_LIMIT, Packetiser, payloads
from tests.support.rtp import PPS, SPS, nal, network, picture, sound, vp8_picture

units = st.lists(
    st.builds(
        nal, st.sampled_from([h264.IDR, h264.SLICE, h264.SEI, h264.SPS, h264.PPS]), st.integers(2, 5000)
    ),
    min_size=1,
    max_size=6,
)


def read(packets: list[Packet], codec: Codec, *, gaps: bool = False) -> list[Unit]:
    """What the depacketiser makes of packets in order; where a number is missing, it is told so."""
    reader, found, last = depacketiser(codec), [], None
    for packet in packets:
        lost = gaps and last is not None and sequence_delta(packet.sequence, last) != 1
        last = packet.sequence
        found += reader.push(packet, 0.0, lost)
    return found


@given(units, st.integers(60, 1300))
def test_h264_units_survive(found: list[bytes], limit: int) -> None:
    """Every NAL unit comes back whole and in order, parameter sets first, whatever the packets' limit."""
    sets = [unit for unit in found if unit[0] & 0x1F in (h264.SPS, h264.PPS)]
    slices = [unit for unit in found if unit[0] & 0x1F not in (h264.SPS, h264.PPS)]
    frame = Frame(Codec.H264, h264.annex_b([SPS, PPS, *sets, *slices, nal(h264.IDR, 50)]), 0, 0.0)
    stream = Packetiser(96, 1, sequence=65530, limit=limit)
    packets = [parse(data) for data in stream.packets(frame)]
    assert all(len(packet.payload) <= limit for packet in packets)
    (unit,) = read(packets, Codec.H264)
    assert h264.nal_units(unit.data) == [SPS, PPS, *sets, *slices, nal(h264.IDR, 50)]


@given(st.integers(1, 200_000), st.integers(100, 1300))
def test_packets_of_a_picture_are_equal(size: int, limit: int) -> None:
    """All payloads of a slice are equal in size but for the last, which is not longer: GSO needs that."""
    parts = payloads(Frame(Codec.H264, h264.annex_b([nal(h264.SLICE, size + 2)]), 0, 0.0), limit)
    assert len({len(part) for part in parts[:-1]}) <= 1
    assert len(parts[-1]) <= len(parts[0]) <= limit


def test_parameter_sets_travel_alone_in_front() -> None:
    """SPS and PPS make one STAP-A of their own, so that the run of equal packets behind it is not broken."""
    parts = payloads(picture(0, key=True, size=4000))
    assert parts[0][0] & 0x1F == h264.STAP_A
    assert SPS in parts[0]
    assert PPS in parts[0]
    assert {part[0] & 0x1F for part in parts[1:]} == {h264.FU_A}


def test_only_the_last_packet_of_a_picture_has_the_marker() -> None:
    """The marker is on the last packet of a picture, and never on sound."""
    stream = Packetiser(96, 1)
    for frame in (picture(0, key=True), picture(1), vp8_picture(2)):
        markers = [parse(data).marker for data in stream.packets(frame)]
        assert markers == [False] * (len(markers) - 1) + [True]
    assert [parse(data).marker for data in stream.packets(sound(0))] == [False]


@pytest.mark.parametrize("codec", list(Codec))
def test_nothing_comes_of_nothing(codec: Codec) -> None:
    """A frame without content has no packets and uses no number."""
    stream = Packetiser(96, 1, sequence=7)
    assert stream.packets(Frame(codec, b"", 0, 0.0)) == []
    assert stream.sequence == 7


@given(st.integers(0, 2**32), st.sampled_from(["h264", "vp8"]))
@settings(max_examples=60)
def test_whole_or_missing_under_loss(seed: int, codec: str) -> None:
    """Under loss, every picture that comes out is one that went in, after a keyframe, without a hole."""
    make = picture if codec == "h264" else vp8_picture
    frames = [make(index, key=index % 10 == 0, size=200 + 400 * (index % 7)) for index in range(40)]
    stream = Packetiser(96, 1, sequence=65500)
    packets = [parse(data) for frame in frames for data in stream.packets(frame)]
    found = read(network(packets, seed, loss=0.03), Codec(codec), gaps=True)
    sent = {frame.timestamp: frame for frame in frames}
    before = None
    for unit in found:
        frame = sent[unit.timestamp]
        assert unit.data == frame.data
        assert unit.keyframe is frame.keyframe
        index = frames.index(frame)
        assert frame.keyframe or before == index - 1, "a picture after a hole needs its predecessor"
        before = index


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_keyframe_heals(codec: str) -> None:
    """After a loss nothing comes out up to the next keyframe; from it on, everything does."""
    make = picture if codec == "h264" else vp8_picture
    frames = [make(index, key=index in (0, 6)) for index in range(10)]
    stream = Packetiser(96, 1)
    packets = [[parse(data) for data in stream.packets(frame)] for frame in frames]
    del packets[2][1]
    found = read([packet for group in packets for packet in group], Codec(codec), gaps=True)
    assert [unit.timestamp // 3000 for unit in found] == [0, 1, 6, 7, 8, 9]


def test_a_picture_leaves_with_its_last_packet() -> None:
    """With the marker a picture is handed on at once; without, as soon as the next timestamp begins."""
    stream, reader = Packetiser(96, 1), depacketiser(Codec.H264)
    *rest, last = [parse(data) for data in stream.packets(picture(0, key=True))]
    assert [reader.push(packet, 0.0, False) for packet in rest] == [[]] * len(rest)
    assert len(reader.push(last, 0.0, False)) == 1
    unmarked = [parse(data) for data in stream.packets(picture(1))]
    unmarked[-1].marker = False
    assert not any(reader.push(packet, 0.0, False) for packet in unmarked)
    first, *_ = [parse(data) for data in stream.packets(picture(2))]
    assert [unit.timestamp for unit in reader.push(first, 0.0, False)] == [3000]


def test_parameter_sets_are_attached_again() -> None:
    """An IDR picture that comes without SPS and PPS gets those seen before, or those of the SDP."""
    bare = Frame(Codec.H264, h264.annex_b([nal(h264.IDR, 3000)]), 90000, 1.0)
    for reader in (depacketiser(Codec.H264), depacketiser(Codec.H264, [SPS, PPS])):
        stream = Packetiser(96, 1)
        for data in stream.packets(picture(0, key=True)):
            reader.push(parse(data), 0.0, False)
        found = [unit for data in stream.packets(bare) for unit in reader.push(parse(data), 0.0, False)]
        assert h264.nal_units(found[0].data) == [SPS, PPS, nal(h264.IDR, 3000)]
        assert found[0].keyframe


def test_an_idr_without_any_parameter_sets_needs_a_keyframe() -> None:
    """A decoder could do nothing with it."""
    reader = depacketiser(Codec.H264)
    bare = Frame(Codec.H264, h264.annex_b([nal(h264.IDR, 300)]), 0, 0.0)
    assert not [u for d in Packetiser(96, 1).packets(bare) for u in reader.push(parse(d), 0.0, False)]
    assert reader.needs_keyframe


def test_padding_between_pictures_is_passed_over() -> None:
    """Empty packets, as bandwidth probes send them, neither end nor spoil a picture."""
    stream, reader = Packetiser(96, 1), depacketiser(Codec.H264)
    found = []
    for frame in (picture(0, key=True), picture(1)):
        for data in stream.packets(frame):
            found += reader.push(parse(data), 0.0, False)
        stamp = frame.timestamp
        found += reader.push(Packet(96, False, 0, stamp, 1, b""), 0.0, False)
    assert len(found) == 2


@given(
    st.sampled_from(list(Codec)), st.lists(st.tuples(st.binary(max_size=40), st.booleans(), st.booleans()))
)
def test_any_payload_is_taken_or_malformed(codec: Codec, found: list[tuple[bytes, bool, bool]]) -> None:
    """Payloads from strangers raise MalformedError or nothing, and a broken picture never comes out."""
    reader = depacketiser(codec)
    for index, (payload, marker, lost) in enumerate(found):
        packet = Packet(96, marker, index, index // 3, 1, payload)
        try:
            for unit in reader.push(packet, 0.0, lost):
                assert unit.data
        except MalformedError:
            assert reader.needs_keyframe


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_truncation_at_every_length(codec: str) -> None:
    """Each packet of a keyframe, cut anywhere, is taken or malformed; the next keyframe heals all."""
    make = picture if codec == "h264" else vp8_picture
    stream = Packetiser(96, 1)
    packets = [parse(data) for data in stream.packets(make(0, key=True, size=1500))]
    for index, packet in enumerate(packets):
        for length in range(0, len(packet.payload), 7):
            reader = depacketiser(Codec(codec))
            cut = Packet(96, packet.marker, packet.sequence, packet.timestamp, 1, packet.payload[:length])
            for each in [*packets[:index], cut, *packets[index + 1 :]]:
                try:
                    reader.push(each, 0.0, False)
                except MalformedError:
                    continue
            whole = [parse(data) for data in Packetiser(96, 1).packets(make(30, key=True))]
            found = [unit for each in whole for unit in reader.push(each, 0.0, False)]
            assert found[-1].data == make(30, key=True).data


def test_a_picture_without_end_is_refused() -> None:
    """A sender that never ends a picture does not fill the memory."""
    reader = depacketiser(Codec.VP8)
    body = b"\x00" * 1200
    reader.push(Packet(96, False, 0, 0, 1, b"\x10" + body), 0.0, False)
    rest = (Packet(96, False, index, 0, 1, b"\x00" + body) for index in range(1, 5000))
    with pytest.raises(MalformedError):
        [reader.push(packet, 0.0, False) for packet in rest]


def test_vp8_picture_ids_count() -> None:
    """Each VP8 picture carries its own 15-bit picture id, the same in all its packets."""
    stream = Packetiser(96, 1)
    ids = [{parse(d).payload[2:4] for d in stream.packets(vp8_picture(index))} for index in range(3)]
    assert ids == [{b"\x80\x00"}, {b"\x80\x01"}, {b"\x80\x02"}]
    assert vp8.payload_start(b"\x90\x80\x80\x01\x00") == (4, True)


def test_limit_leaves_room_for_the_least_mtu() -> None:
    """RTP and SRTP over IPv6 fit 1280 bytes."""
    assert PAYLOAD_LIMIT + 12 + 12 + 16 + 48 <= 1280
