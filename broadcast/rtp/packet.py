"""(P) RTP packets (RFC 3550) and their header extensions (RFC 8285): parse and build.

`Packet` is what the receiving side works with. The sending side builds bytes directly with `header` and
`build`, because a packet object for each packet and viewer would cost more than everything else.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from broadcast.errors import MalformedError

HEADER_BYTES = 12
MAX_PACKET_BYTES = 2048  # no network that we serve carries more in one datagram
ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000  # the low four bits are application bits

AUDIO_LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
TRANSPORT_CC_URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
PLAYOUT_DELAY_URI = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")


@dataclass(slots=True)
class Packet:
    """One RTP packet. `extension` is the raw header extension (without its four-byte head) and `profile`
    its kind, 0 when there is none; `extensions()` reads it."""

    payload_type: int
    marker: bool
    sequence: int  # 16 bits
    timestamp: int  # 32 bits
    ssrc: int
    payload: bytes
    profile: int = 0
    extension: bytes = b""

    def extensions(self) -> dict[int, bytes]:
        """Header extension elements by id. Raises MalformedError when they overrun."""
        return parse_extensions(self.profile, self.extension) if self.profile else {}


def parse(data: bytes) -> Packet:
    """Read one RTP packet (RFC 3550 section 5.1). CSRCs are skipped, padding is cut off.

    Raises MalformedError for anything shorter than its own header says, and for other versions.
    """
    size = len(data)
    if size < HEADER_BYTES:
        raise MalformedError("RTP packet shorter than its header")
    if size > MAX_PACKET_BYTES:
        raise MalformedError("RTP packet too long")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise MalformedError("RTP version is not 2")
    start = HEADER_BYTES + 4 * (first & 0x0F)
    profile, extension = 0, b""
    if first & 0x10:
        if size < start + 4:
            raise MalformedError("RTP header extension cut off")
        profile, words = _EXTENSION.unpack_from(data, start)
        end = start + 4 + 4 * words
        if end > size:
            raise MalformedError("RTP header extension overruns the packet")
        extension = data[start + 4 : end]
        start = end
    stop = size
    if first & 0x20:
        padding = data[-1]
        stop -= padding
        if padding == 0 or stop < start:
            raise MalformedError("RTP padding overruns the packet")
    if start > size:
        raise MalformedError("RTP CSRC list cut off")
    return Packet(
        second & 0x7F, second >= 0x80, sequence, timestamp, ssrc, data[start:stop], profile, extension
    )


def header(
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    *,
    marker: bool = False,
    extension: bytes = b"",
    padding: bool = False,
) -> bytes:
    """The header of one RTP packet. `sequence` and `timestamp` are wrapped here; `extension` comes from
    `build_extensions` and already carries its head; with `padding` the packet must end in some."""
    return (
        _HEADER.pack(
            0x80 | 0x10 * bool(extension) | 0x20 * padding,
            payload_type | 0x80 if marker else payload_type,
            sequence & 0xFFFF,
            timestamp & 0xFFFFFFFF,
            ssrc,
        )
        + extension
    )


def headers(
    payload_type: int, first: int, count: int, timestamp: int, ssrc: int, *, marker: bool, extension: bytes
) -> list[bytes]:
    """The headers of a frame's packets, numbered from `first` on, the last one with `marker`: as `header`
    gives them one by one, for a third of its time."""
    start, stamp = 0x80 | 0x10 * bool(extension), timestamp & 0xFFFFFFFF
    kinds = [payload_type] * count
    if marker and count:
        kinds[-1] |= 0x80
    return [
        _HEADER.pack(start, kind, (first + place) & 0xFFFF, stamp, ssrc) + extension
        for place, kind in enumerate(kinds)
    ]


def build(packet: Packet) -> bytes:
    """The bytes of a packet, its header extension as it is, without padding or CSRCs."""
    extension = b""
    if packet.profile:
        extension = _EXTENSION.pack(packet.profile, len(packet.extension) // 4) + packet.extension
    return (
        header(
            packet.payload_type,
            packet.sequence,
            packet.timestamp,
            packet.ssrc,
            marker=packet.marker,
            extension=extension,
        )
        + packet.payload
    )


def parse_extensions(profile: int, data: bytes) -> dict[int, bytes]:
    """Header extension elements by id, one-byte and two-byte form (RFC 8285 sections 4.2 and 4.3).

    An unknown profile gives none. Raises MalformedError when an element overruns the block.
    """
    if profile == ONE_BYTE_PROFILE:
        return _parse_one_byte(data)
    if profile & 0xFFF0 == TWO_BYTE_PROFILE:
        return _parse_two_byte(data)
    return {}


def _parse_one_byte(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    position, size = 0, len(data)
    while position < size:
        head = data[position]
        position += 1
        if head == 0:
            continue
        identifier, length = head >> 4, (head & 0x0F) + 1
        if identifier == 15:  # reserved: everything after it is to be ignored
            break
        if position + length > size:
            raise MalformedError("RTP header extension element overruns")
        found[identifier] = data[position : position + length]
        position += length
    return found


def _parse_two_byte(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    position, size = 0, len(data)
    while position < size:
        identifier = data[position]
        position += 1
        if identifier == 0:
            continue
        if position >= size or position + 1 + data[position] > size:
            raise MalformedError("RTP header extension element overruns")
        length = data[position]
        found[identifier] = data[position + 1 : position + 1 + length]
        position += 1 + length
    return found


def build_extensions(elements: Mapping[int, bytes]) -> bytes:
    """A header extension with its head, in the one-byte form if every element fits it; b"" for none.

    Ids are 1 to 14 with 1 to 16 bytes in the one-byte form, 1 to 255 with 0 to 255 bytes in the other.
    """
    if not elements:
        return b""
    if all(1 <= i <= 14 and 1 <= len(value) <= 16 for i, value in elements.items()):
        profile = ONE_BYTE_PROFILE
        body = b"".join(bytes(((i << 4) | (len(value) - 1),)) + value for i, value in elements.items())
    else:
        profile = TWO_BYTE_PROFILE
        body = b"".join(bytes((i, len(value))) + value for i, value in elements.items())
    body += bytes(-len(body) % 4)
    return _EXTENSION.pack(profile, len(body) // 4) + body


def audio_level(element: bytes) -> float | None:
    """Level of the sound in dBFS, 0 down to -127 (RFC 6464); None for an empty element."""
    return -float(element[0] & 0x7F) if element else None


def playout_delay(minimum: float, maximum: float) -> bytes:
    """The playout-delay element, seconds, in steps of 10 ms up to 40.95 s."""
    low, high = (min(0xFFF, round(seconds * 100)) for seconds in (minimum, maximum))
    return (low << 12 | high).to_bytes(3, "big")


def sequence_delta(newer: int, older: int) -> int:
    """How far `newer` is ahead of `older` in 16-bit sequence numbers, -32768 to 32767."""
    return ((newer - older + 0x8000) & 0xFFFF) - 0x8000
