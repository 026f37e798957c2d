"""(P) What RTP needs to know of H264 (ITU-T H.264): NAL units, Annex B, what files have of them, the
picture's size in an SPS."""

from collections.abc import Iterable
from dataclasses import dataclass

from broadcast.errors import MalformedError

SLICE, IDR, SEI, SPS, PPS, DELIMITER, END_OF_SEQUENCE, END_OF_STREAM, FILLER = 1, 5, 6, 7, 8, 9, 10, 11, 12
STAP_A, FU_A = 24, 28

START_CODE = b"\x00\x00\x00\x01"

_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


def nal_units(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream (annex B.1), without start codes; empty ones are left out.

    Zero bytes before a start code belong to the code: a NAL unit never ends in zero.
    """
    found = []
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        start += 3
        end = data.find(b"\x00\x00\x01", start)
        unit = (data[start:] if end < 0 else data[start:end]).rstrip(b"\x00")
        if unit:
            found.append(unit)
        start = end
    return found


def annex_b(units: list[bytes]) -> bytes:
    """NAL units as an Annex B access unit with four-byte start codes."""
    return START_CODE + START_CODE.join(units) if units else b""


def with_lengths(units: Iterable[bytes]) -> bytes:
    """NAL units as files carry them, each behind its length of four octets (ISO 14496-15, section 4.3.3)."""
    return b"".join(part for unit in units for part in (len(unit).to_bytes(4), unit))


def configuration(sps: bytes, pps: bytes) -> bytes:
    """The decoder configuration record that goes with them (section 5.3.3.1)."""
    sets = b"\xe1" + len(sps).to_bytes(2) + sps + b"\x01" + len(pps).to_bytes(2) + pps
    return b"\x01" + sps[1:4] + b"\xff" + sets


def is_keyframe(data: bytes) -> bool:
    """Whether an Annex B access unit holds an IDR slice."""
    return any(unit[0] & 0x1F == IDR for unit in nal_units(data))


def find_sps(data: bytes) -> bytes | None:
    """The first SPS of an Annex B access unit."""
    return next((unit for unit in nal_units(data) if unit[0] & 0x1F == SPS), None)


def begins_picture(unit: bytes) -> bool:
    """Whether a slice is the first of its picture: first_mb_in_slice is 0 (section 7.3.3)."""
    return len(unit) > 1 and unit[1] >= 0x80


@dataclass(frozen=True, slots=True)
class Sps:
    """What we read in a sequence parameter set: the picture's size, cropping applied, how many bits
    `frame_num` has in a slice, and whether a colour plane comes before it."""

    width: int
    height: int
    number_bits: int
    planes: bool


def picture_size(sps: bytes) -> tuple[int, int]:
    """Width and height of the pictures, from an SPS NAL unit. Raises as `parse_sps` does."""
    parsed = parse_sps(sps)
    return parsed.width, parsed.height


def frame_number(unit: bytes, sps: Sps) -> int:
    """`frame_num` of a slice (section 7.3.3), of which the first 24 bytes are enough.

    It grows by one from each reference picture to the next, modulo 1 << sps.number_bits (section 7.4.3).
    Raises MalformedError when the slice is cut off.
    """
    bits = Bits(unit[1:24].replace(b"\x00\x00\x03", b"\x00\x00"))
    for _ in range(3):
        bits.golomb()
    if sps.planes:
        bits.read(2)
    return bits.read(sps.number_bits)


def parse_sps(sps: bytes) -> Sps:
    """Read an SPS NAL unit (section 7.3.2.1.1). Raises MalformedError when it is cut off or absurd."""
    bits = Bits(sps[1:].replace(b"\x00\x00\x03", b"\x00\x00"))
    profile = bits.read(8)
    bits.read(16)
    bits.golomb()
    chroma, planes = 1, False
    if profile in _HIGH_PROFILES:
        chroma, planes = _skip_high_profile(bits)
    number_bits = _at_most(bits.golomb(), 12) + 4
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.read(1)
        bits.golomb()
        bits.golomb()
        for _ in range(_at_most(bits.golomb(), 255)):
            bits.golomb()
    bits.golomb()
    bits.read(1)
    width = 16 * (_at_most(bits.golomb(), 1023) + 1)
    rows = _at_most(bits.golomb(), 1023) + 1
    frame_only = bits.read(1)
    height = 16 * rows * (2 - frame_only)
    if not frame_only:
        bits.read(1)
    bits.read(1)
    if bits.read(1):
        left, right, top, bottom = (bits.golomb() for _ in range(4))
        step_x = 2 if chroma in (1, 2) else 1
        step_y = (2 if chroma == 1 else 1) * (2 - frame_only)
        width -= step_x * (left + right)
        height -= step_y * (top + bottom)
    if width <= 0 or height <= 0:
        raise MalformedError("H264 picture without area")
    return Sps(width, height, number_bits, planes)


def _skip_high_profile(bits: "Bits") -> tuple[int, bool]:
    """Skip what only the high profiles carry; gives the chroma format and separate_colour_plane_flag."""
    chroma = bits.golomb()
    planes = chroma == 3 and bits.read(1) == 1
    bits.golomb()
    bits.golomb()
    bits.read(1)
    if bits.read(1):
        for index in range(8 if chroma != 3 else 12):
            if bits.read(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma, planes


def _skip_scaling_list(bits: "Bits", size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            code = bits.golomb()
            delta = (code + 1) // 2 if code % 2 else -(code // 2)
            following = (last + delta) % 256
        last = following or last


def _at_most(value: int, limit: int) -> int:
    if value > limit:
        raise MalformedError("H264 parameter set out of range")
    return value


class Bits:
    """Reads bits and Exp-Golomb codes, most significant first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def read(self, count: int) -> int:
        if count > self._left:
            raise MalformedError("H264 parameter set cut off")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def golomb(self) -> int:
        zeros = 0
        while not self.read(1):
            zeros += 1
            if zeros > 31:
                raise MalformedError("H264 Exp-Golomb code too long")
        return (1 << zeros) - 1 + self.read(zeros)
