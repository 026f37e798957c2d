"""(P) Frames to RTP packets: H264 (RFC 6184), VP8 (RFC 7741), Opus (RFC 7587).

All fragments of a picture are equal in size and only the last may be shorter, because the kernel's UDP
GSO sends such a run in one call; SPS and PPS, being short, travel alone in front.
"""

import struct

import broadcast.rtp.h264 as h264
from broadcast.rtp.frame import Codec, Frame
from broadcast.rtp.packet import headers

# 1150 + RTP header 12 + extensions 12 + SRTP tag 16 + UDP and IPv6 48 stay below IPv6's least MTU of 1280.
PAYLOAD_LIMIT = 1150

_DROPPED = frozenset({h264.DELIMITER, h264.END_OF_SEQUENCE, h264.END_OF_STREAM, h264.FILLER})
_LENGTH = struct.Struct("!H")


def payloads(frame: Frame, limit: int = PAYLOAD_LIMIT, picture_id: int = 0) -> list[bytes]:
    """RTP payloads of one frame, in order; the last one is to be sent with the marker set (video).

    `limit` is the largest payload in bytes; `picture_id` is for VP8 only. A frame without content gives [].
    """
    if frame.codec is Codec.H264:
        return h264_payloads(frame.data, limit)
    if frame.codec is Codec.VP8:
        return vp8_payloads(frame.data, limit, picture_id)
    return [frame.data] if frame.data else []


def h264_payloads(data: bytes, limit: int = PAYLOAD_LIMIT) -> list[bytes]:
    """Payloads of an Annex B access unit: parameter sets in one STAP-A (or singly), then each slice whole
    or as FU-A. Delimiters and filler are left out: RTP has the marker for the one and no use for the other.
    """
    sets: list[bytes] = []
    others: list[bytes] = []
    for unit in h264.nal_units(data):
        kind = unit[0] & 0x1F
        if kind in (h264.SPS, h264.PPS):
            sets.append(unit)
        elif kind not in _DROPPED:
            others.append(unit)
    found = _aggregate(sets, limit)
    small: list[bytes] = []  # neighbours that may share a packet: SEI and small slices
    for unit in others:
        if len(unit) <= limit:
            small.append(unit)
            continue
        found += _aggregate(small, limit)
        small = []
        found += _fragments(unit, limit)
    return found + _aggregate(small, limit)


def _aggregate(units: list[bytes], limit: int) -> list[bytes]:
    """Neighbouring NAL units together in STAP-As (RFC 6184 section 5.7.1) as far as they fit."""
    found: list[bytes] = []
    group: list[bytes] = []
    size = 1
    for unit in units:
        if len(unit) > limit:
            found += _stap(group) + _fragments(unit, limit)
            group, size = [], 1
            continue
        if group and size + 2 + len(unit) > limit:
            found += _stap(group)
            group, size = [], 1
        group.append(unit)
        size += 2 + len(unit)
    return found + _stap(group)


def _stap(units: list[bytes]) -> list[bytes]:
    if len(units) < 2:
        return list(units)
    importance = max(unit[0] & 0x60 for unit in units)
    parts = [bytes((importance | h264.STAP_A,))]
    for unit in units:
        parts += (_LENGTH.pack(len(unit)), unit)
    return [b"".join(parts)]


def _fragments(unit: bytes, limit: int) -> list[bytes]:
    """A NAL unit as FU-As (RFC 6184 section 5.8), equal in size but for the last."""
    indicator, kind = unit[0] & 0xE0 | h264.FU_A, unit[0] & 0x1F
    size = _even(len(unit) - 1, limit - 2)
    middle = bytes((indicator, kind))
    found = [middle + unit[start : start + size] for start in range(1, len(unit), size)]
    found[0] = bytes((indicator, kind | 0x80)) + unit[1 : 1 + size]
    found[-1] = bytes((indicator, kind | 0x40)) + found[-1][2:]
    return found


def vp8_payloads(data: bytes, limit: int = PAYLOAD_LIMIT, picture_id: int = 0) -> list[bytes]:
    """Payloads of a VP8 frame, each with a descriptor that carries the 15-bit picture id (RFC 7741
    section 4.2)."""
    if not data:
        return []
    tail = b"\x80" + _LENGTH.pack(picture_id & 0x7FFF | 0x8000)
    size = _even(len(data), limit - 4)
    found = [b"\x80" + tail + data[start : start + size] for start in range(0, len(data), size)]
    found[0] = b"\x90" + found[0][1:]
    return found


def _even(total: int, most: int) -> int:
    """The size of pieces when `total` bytes are cut evenly into as few pieces of `most` as it takes."""
    pieces = -(-total // most)
    return -(-total // pieces)


class Packetiser:
    """One outgoing RTP stream: frames in, packets out, sequence numbers continuous.

    `sequence` is that of the next packet; `timestamp_offset` is added to every frame's timestamp.
    """

    def __init__(
        self,
        payload_type: int,
        ssrc: int,
        *,
        sequence: int = 0,
        timestamp_offset: int = 0,
        limit: int = PAYLOAD_LIMIT,
    ) -> None:
        self.payload_type = payload_type
        self.ssrc = ssrc
        self.sequence = sequence & 0xFFFF
        self.timestamp_offset = timestamp_offset
        self.packets_sent = 0  # for sender reports
        self.octets_sent = 0
        self._limit = limit
        self._picture_id = 0

    def timestamp(self, frame: Frame) -> int:
        """The frame's 32-bit RTP timestamp in this stream."""
        return (frame.timestamp + self.timestamp_offset) & 0xFFFFFFFF

    def packets(self, frame: Frame, extension: bytes = b"") -> list[bytes]:
        """The RTP packets of a frame, ready for SRTP. The last packet of a picture has the marker set.

        `extension` (from `packet.build_extensions`) goes into every packet.
        """
        parts = payloads(frame, self._limit, self._picture_id)
        if frame.codec is Codec.VP8:
            self._picture_id = (self._picture_id + 1) & 0x7FFF
        heads = headers(
            self.payload_type,
            self.sequence,
            len(parts),
            self.timestamp(frame),
            self.ssrc,
            marker=frame.codec is not Codec.OPUS,
            extension=extension,
        )
        self.sequence = (self.sequence + len(parts)) & 0xFFFF
        self.packets_sent += len(parts)
        self.octets_sent += sum(map(len, parts))
        return [head + part for head, part in zip(heads, parts, strict=True)]
