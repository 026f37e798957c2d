"""(P) RTCP: reports (RFC 3550), feedback (RFC 4585, RFC 5104, REMB) and round trips (RFC 3611).

`parse` reads a compound packet into small dataclasses; each of them builds its own bytes with `build()`.
What transport-cc says has a file of its own, transport_cc.py.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from broadcast.errors import MalformedError
from broadcast.rtp.transport_cc import Arrivals
from broadcast.rtp.transport_cc import read as read_arrivals

SR, RR, SDES, BYE, RTPFB, PSFB, XR = 200, 201, 202, 203, 205, 206, 207

MAX_COMPOUND_BYTES = 2048
NTP_EPOCH = 2208988800  # seconds from 1900 to 1970

_HEAD = struct.Struct("!BBH")
_TWO = struct.Struct("!II")
_SENDER = struct.Struct("!IQIII")
_NACK = struct.Struct("!HH")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says of one stream (RFC 3550 section 6.4.1). `last_report` and `delay` are the middle
    32 bits of the NTP time and 1/65536 s; `jitter` is in RTP ticks; `fraction` is of 256."""

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int

    def build(self) -> bytes:
        lost = max(-0x800000, min(0x7FFFFF, self.lost)) & 0xFFFFFF
        return struct.pack(
            "!IIIIII",
            self.ssrc,
            (self.fraction & 0xFF) << 24 | lost,
            self.highest & 0xFFFFFFFF,
            self.jitter & 0xFFFFFFFF,
            self.last_report,
            self.delay,
        )


@dataclass(frozen=True, slots=True)
class SenderReport:
    """`ntp` is the 64-bit NTP time at which the RTP clock stood at `timestamp`."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()

    def build(self) -> bytes:
        mask = 0xFFFFFFFF
        body = _SENDER.pack(
            self.ssrc, self.ntp, self.timestamp & mask, self.packets & mask, self.octets & mask
        )
        return _wrap(SR, len(self.blocks), body + b"".join(block.build() for block in self.blocks))


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()

    def build(self) -> bytes:
        body = self.ssrc.to_bytes(4, "big") + b"".join(block.build() for block in self.blocks)
        return _wrap(RR, len(self.blocks), body)


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """Only the CNAME, which ties picture and sound of one sender together."""

    ssrc: int
    cname: str

    def build(self) -> bytes:
        name = self.cname.encode()[:255]
        body = self.ssrc.to_bytes(4, "big") + bytes((1, len(name))) + name
        return _wrap(SDES, 1, body + bytes(4 - len(body) % 4))


@dataclass(frozen=True, slots=True)
class Bye:
    ssrcs: tuple[int, ...]

    def build(self) -> bytes:
        return _wrap(BYE, len(self.ssrcs), b"".join(ssrc.to_bytes(4, "big") for ssrc in self.ssrcs))


@dataclass(frozen=True, slots=True)
class Nack:
    """Packets of `media` that `ssrc` misses (RFC 4585 section 6.2.1)."""

    ssrc: int
    media: int
    sequences: tuple[int, ...]

    def build(self) -> bytes:
        items = []
        pending = sorted(set(self.sequences))
        while pending:
            first, mask, rest = pending[0], 0, []
            for sequence in pending[1:]:
                ahead = sequence - first - 1
                if ahead < 16:
                    mask |= 1 << ahead
                else:
                    rest.append(sequence)
            items.append(_NACK.pack(first & 0xFFFF, mask))
            pending = rest
        return _wrap(RTPFB, 1, _TWO.pack(self.ssrc, self.media) + b"".join(items))


@dataclass(frozen=True, slots=True)
class Pli:
    """Picture loss: a keyframe, please (RFC 4585 section 6.3.1)."""

    ssrc: int
    media: int

    def build(self) -> bytes:
        return _wrap(PSFB, 1, _TWO.pack(self.ssrc, self.media))


@dataclass(frozen=True, slots=True)
class Fir:
    """Full intra request (RFC 5104 section 4.3.1): (ssrc, command number) pairs."""

    ssrc: int
    targets: tuple[tuple[int, int], ...]

    def build(self) -> bytes:
        items = b"".join(struct.pack("!IBxxx", ssrc, number & 0xFF) for ssrc, number in self.targets)
        return _wrap(PSFB, 4, _TWO.pack(self.ssrc, 0) + items)


@dataclass(frozen=True, slots=True)
class Remb:
    """What the receiver thinks the path carries, bit/s (draft-alvestrand-rmcat-remb-03)."""

    ssrc: int
    bitrate: int
    ssrcs: tuple[int, ...]

    def build(self) -> bytes:
        exponent = max(0, self.bitrate.bit_length() - 18)
        rate = exponent << 18 | self.bitrate >> exponent
        body = _TWO.pack(self.ssrc, 0) + b"REMB" + bytes((len(self.ssrcs),)) + rate.to_bytes(3, "big")
        return _wrap(PSFB, 15, body + b"".join(ssrc.to_bytes(4, "big") for ssrc in self.ssrcs))


@dataclass(frozen=True, slots=True)
class ReferenceTime:
    """A receiver's clock, so that the sender can answer with a `RoundTrip` (RFC 3611 section 4.4)."""

    ssrc: int
    ntp: int

    def build(self) -> bytes:
        return _wrap(XR, 0, struct.pack("!IBBHQ", self.ssrc, 4, 0, 2, self.ntp))


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """The answer: our clock's middle 32 bits as `last_report`, and how long the sender held it, 1/65536 s
    (RFC 3611 section 4.5)."""

    ssrc: int
    receiver: int
    last_report: int
    delay: int

    def build(self) -> bytes:
        return _wrap(
            XR, 0, struct.pack("!IBBHIII", self.ssrc, 5, 0, 3, self.receiver, self.last_report, self.delay)
        )


Report = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Bye
    | Nack
    | Pli
    | Fir
    | Remb
    | ReferenceTime
    | RoundTrip
    | Arrivals
)


def parse(data: bytes) -> list[Report]:
    """Read a compound packet (also reduced-size, RFC 5506). What is not known here is skipped.

    Raises MalformedError when a length overruns or a body is shorter than its kind needs.
    """
    if len(data) < 4 or len(data) > MAX_COMPOUND_BYTES:
        raise MalformedError("RTCP packet of impossible length")
    found: list[Report] = []
    position, size = 0, len(data)
    while position < size:
        if size - position < 4:
            raise MalformedError("RTCP header cut off")
        first, kind, words = _HEAD.unpack_from(data, position)
        end = position + 4 + 4 * words
        if first >> 6 != 2:
            raise MalformedError("RTCP version is not 2")
        if end > size:
            raise MalformedError("RTCP packet overruns the datagram")
        body = data[position + 4 : end]
        if first & 0x20:
            body = _unpad(body)
        try:
            found += _body(kind, first & 0x1F, body)
        except struct.error:
            raise MalformedError("RTCP packet shorter than its kind needs") from None
        position = end
    return found


def middle(ntp: int) -> int:
    """The middle 32 bits of a 64-bit NTP time, as reports carry it."""
    return ntp >> 16 & 0xFFFFFFFF


def to_ntp(seconds: float) -> int:
    """Unix seconds as a 64-bit NTP time."""
    return round((seconds + NTP_EPOCH) * 4294967296) & 0xFFFFFFFFFFFFFFFF


def from_ntp(ntp: int) -> float:
    """A 64-bit NTP time as Unix seconds."""
    return ntp / 4294967296 - NTP_EPOCH


def round_trip(now: int, last_report: int, delay: int) -> float | None:
    """Seconds of round trip from a report's echo (RFC 3550 section 6.4.1); `now` is `middle(ntp)`.

    None when nothing was echoed yet, or when the sum is no time at all.
    """
    if not last_report:
        return None
    ticks = (now - last_report - delay) & 0xFFFFFFFF
    if ticks >= 0x80000000:  # a hair below zero: two clocks that tick apart
        ticks = 0
    seconds = ticks / 65536
    return seconds if seconds < 10 else None


def _wrap(kind: int, count: int, body: bytes) -> bytes:
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body


def _unpad(body: bytes) -> bytes:
    if not body or not 0 < body[-1] <= len(body):
        raise MalformedError("RTCP padding overruns the packet")
    return body[: -body[-1]]


def _body(kind: int, count: int, body: bytes) -> Iterable[Report]:
    if kind == SR:
        ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
        return (SenderReport(ssrc, ntp, timestamp, packets, octets, _blocks(body, 24, count)),)
    if kind == RR:
        return (ReceiverReport(_word(body, 0), _blocks(body, 4, count)),)
    if kind == BYE:
        return (Bye(tuple(_word(body, 4 * i) for i in range(count))),)
    if kind == RTPFB and count == 1:
        return (_parse_nack(body),)
    if kind == RTPFB and count == 15:
        return (read_arrivals(body),)
    if kind == PSFB:
        return _parse_psfb(count, body)
    if kind == XR:
        return _parse_extended(body)
    return ()


def _word(body: bytes, offset: int) -> int:
    value: int = struct.unpack_from("!I", body, offset)[0]
    return value


def _blocks(body: bytes, offset: int, count: int) -> tuple[ReportBlock, ...]:
    found = []
    for index in range(count):
        ssrc, loss, *rest = struct.unpack_from("!IIIIII", body, offset + 24 * index)
        lost = loss & 0xFFFFFF
        found.append(ReportBlock(ssrc, loss >> 24, lost - 0x1000000 if lost & 0x800000 else lost, *rest))
    return tuple(found)


def _parse_nack(body: bytes) -> Nack:
    ssrc, media = _TWO.unpack_from(body)
    sequences = []
    for offset in range(8, len(body) - 3, 4):
        first, mask = _NACK.unpack_from(body, offset)
        sequences.append(first)
        sequences += ((first + 1 + bit) & 0xFFFF for bit in range(16) if mask >> bit & 1)
    return Nack(ssrc, media, tuple(sequences))


def _parse_psfb(count: int, body: bytes) -> Iterable[Report]:
    ssrc, media = _TWO.unpack_from(body)
    if count == 1:
        return (Pli(ssrc, media),)
    if count == 4:
        pairs = (struct.unpack_from("!IB", body, offset) for offset in range(8, len(body) - 7, 8))
        return (Fir(ssrc, tuple((target, number) for target, number in pairs)),)
    if count == 15 and body[8:12] == b"REMB":
        rate = _word(body, 12)
        listed = tuple(_word(body, 16 + 4 * i) for i in range(rate >> 24))
        return (Remb(ssrc, (rate & 0x3FFFF) << (rate >> 18 & 0x3F), listed),)
    return ()


def _parse_extended(body: bytes) -> Iterable[Report]:
    ssrc = _word(body, 0)
    found: list[Report] = []
    position = 4
    while position < len(body):
        kind, _, words = struct.unpack_from("!BBH", body, position)
        position += 4
        end = position + 4 * words
        if end > len(body):
            raise MalformedError("RTCP extended report overruns")
        if kind == 4 and words == 2:
            found.append(ReferenceTime(ssrc, struct.unpack_from("!Q", body, position)[0]))
        elif kind == 5:
            found += (
                RoundTrip(ssrc, *struct.unpack_from("!III", body, offset))
                for offset in range(position, end - 11, 12)
            )
        position = end
    return found
