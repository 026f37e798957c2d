"""(P) A picture that says "as before": every macroblock skipped (ITU-T H.264, sections 7.3.2 to 7.3.4).

A hole in the programme (its process has died and the next one is there some pictures later) freezes players,
and raises their latency for good. A skipped picture costs some 15 bytes and fills it.
"""

from dataclasses import dataclass

from broadcast.errors import MalformedError
from broadcast.rtp.h264 import Bits, frame_number, parse_sps

P_SLICES = 5  # slice_type: this slice and all others of the picture are P


@dataclass(frozen=True, slots=True)
class Repeater:
    """What a skipped picture needs to know of the stream; `of` makes one."""

    macroblocks: int
    number_bits: int
    picture_set: int  # id of the PPS
    deblocking: bool  # whether slices say how they are deblocked
    sps: bytes

    @classmethod
    def of(cls, sps: bytes, pps: bytes) -> "Repeater | None":
        """For the stream with these parameter sets; None when it has what we do not write (CABAC, fields,
        weights, picture order that is spelled out). Ours has none of it."""
        try:
            parsed, order = parse_sps(sps), _order_type(sps)
            bits = Bits(pps[1:].replace(b"\x00\x00\x03", b"\x00\x00"))
            ident = bits.golomb()
            bits.golomb()
            cabac, bottom, groups = bits.read(1), bits.read(1), bits.golomb()
            bits.golomb()
            bits.golomb()
            weighted = bits.read(3)
            for _ in range(3):
                bits.golomb()
            deblocking, _, redundant = bits.read(1), bits.read(1), bits.read(1)
        except MalformedError:
            return None
        if cabac or bottom or groups or weighted or redundant or parsed.planes or order != 2:
            return None
        blocks = -(-parsed.width // 16) * -(-parsed.height // 16)
        return cls(blocks, parsed.number_bits, ident, bool(deblocking), sps)

    def number(self, unit: bytes) -> int:
        """`frame_num` of a slice. Raises MalformedError."""
        return frame_number(unit, parse_sps(self.sps))

    def picture(self, number: int) -> bytes:
        """The NAL unit of a skipped picture that is used as a reference, with this `frame_num`."""
        out = _Writer()
        for value in (0, P_SLICES, self.picture_set):
            out.golomb(value)
        out.write(number % (1 << self.number_bits), self.number_bits)
        out.write(0, 3)  # no other count of references, no reordering, sliding window
        out.golomb(0)  # slice_qp_delta
        if self.deblocking:
            out.golomb(1)  # none
        out.golomb(self.macroblocks)  # mb_skip_run: all of them
        return b"\x41" + _escaped(out.rbsp())  # nal_ref_idc 2, a slice


def _order_type(sps: bytes) -> int:
    """`pic_order_cnt_type` of a stream of the baseline or main profile; -1 for others and for fields."""
    bits = Bits(sps[1:].replace(b"\x00\x00\x03", b"\x00\x00"))
    if bits.read(8) not in (66, 77):
        return -1
    bits.read(16)
    bits.golomb()
    bits.golomb()
    order = bits.golomb()
    if order != 2:
        return -1
    bits.golomb()
    bits.read(1)
    bits.golomb()
    bits.golomb()
    return order if bits.read(1) else -1


class _Writer:
    """Writes bits and Exp-Golomb codes, most significant first."""

    def __init__(self) -> None:
        self._value = 0
        self._count = 0

    def write(self, value: int, count: int) -> None:
        self._value = self._value << count | value
        self._count += count

    def golomb(self, value: int) -> None:
        size = (value + 1).bit_length()
        self.write(value + 1, 2 * size - 1)

    def rbsp(self) -> bytes:
        """With its trailing bits (section 7.3.2.11)."""
        self.write(1, 1)
        self.write(0, -self._count % 8)
        return self._value.to_bytes(self._count // 8, "big")


def _escaped(data: bytes) -> bytes:
    """Emulation prevention (section 7.4.1): no 00 00 followed by 00 to 03 inside a NAL unit."""
    out = bytearray()
    for byte in data:
        if byte <= 3 and out.endswith(b"\x00\x00"):
            out.append(3)
        out.append(byte)
    return bytes(out)
