"""(P) RTP packets to frames: H264 (RFC 6184), VP8 (RFC 7741), Opus (RFC 7587).

Packets come in order (see reorder.py), each with whether packets before it are lost for good. A picture
leaves with its last packet: the one with the marker, or else when the next timestamp begins. After a loss
nothing leaves until a whole keyframe, because every picture in between would be drawn on a broken one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import broadcast.rtp.h264 as h264
import broadcast.rtp.vp8 as vp8
from broadcast.errors import MalformedError
from broadcast.rtp.frame import Codec
from broadcast.rtp.packet import Packet

MAX_FRAME_BYTES = 4 << 20  # far above any keyframe; a stream that never ends a picture stops there


@dataclass(frozen=True, slots=True)
class Unit:
    """An encoded picture or packet of sound, not yet on our clock: `timestamp` has 32 bits, `arrival` is
    when its first packet came (seconds)."""

    data: bytes
    timestamp: int
    arrival: float
    keyframe: bool


class OpusDepacketiser:
    """Every packet is a frame; a lost one is nobody's business but the decoder's."""

    needs_keyframe = False

    def push(self, packet: Packet, arrival: float, lost: bool) -> list[Unit]:
        """Gives the packet's frame; none for an empty packet."""
        return [Unit(packet.payload, packet.timestamp, arrival, True)] if packet.payload else []

    def follows(self, packet: Packet) -> bool:
        """Sound does not tell."""
        return False


class _VideoDepacketiser:
    """What both video codecs share: which packets make a picture, and what a loss spoils."""

    def __init__(self) -> None:
        self.needs_keyframe = True  # nothing can leave before one
        self._timestamp: int | None = None  # of the picture being put together
        self._arrival = 0.0
        self._octets = 0
        self._ended: int | None = None  # timestamp of the last whole picture
        self._spoilt: int | None = None  # timestamp of a picture of which a part is missing

    def push(self, packet: Packet, arrival: float, lost: bool) -> list[Unit]:
        """The next packet of the stream. Gives the pictures that it completes: none, one, or two when the
        one before had no marker. Raises MalformedError for a payload that breaks the standard; its picture
        is lost then, and `needs_keyframe` set."""
        found = []
        if lost:
            self._lose(packet)
        elif self._timestamp is not None and packet.timestamp != self._timestamp:
            found = self._finish()
        if not packet.payload:  # padding, or a probe of the sender's bandwidth estimator
            return found
        if packet.timestamp != self._spoilt:
            self._spoilt = None
            if self._timestamp is None:
                self._timestamp, self._arrival = packet.timestamp, arrival
            try:
                self._add(packet.payload)
            except MalformedError:
                self._spoil(packet.timestamp)
                raise
            if packet.marker:
                found += self._finish()
        return found

    def follows(self, packet: Packet) -> bool:
        """Whether this packet, behind a hole, plainly starts the picture after the last whole one, or a
        keyframe, or is padding of the last. Then what is missing was padding (Chromium sends much of it to
        probe the line, and none of it again), or no longer matters."""
        if self._timestamp is not None or self.needs_keyframe:
            return False
        if not packet.payload:
            return packet.timestamp == self._ended
        try:
            return self._starts(packet.payload) and self._succeeds(packet.payload)
        except MalformedError:
            return False

    def _lose(self, packet: Packet) -> None:
        """Packets before this one are lost: so is the picture they were of, and this one's too unless it
        plainly starts here."""
        self._spoil(None)
        if not packet.payload or not self._starts(packet.payload):
            self._spoilt = packet.timestamp

    def _spoil(self, timestamp: int | None) -> None:
        self.needs_keyframe = True
        self._spoilt = timestamp
        self._timestamp = None
        self._octets = 0
        self._clear()

    def _grow(self, octets: int) -> None:
        self._octets += octets
        if self._octets > MAX_FRAME_BYTES:
            raise MalformedError("picture without end")

    def _finish(self) -> list[Unit]:
        assert self._timestamp is not None  # only called with a picture begun
        timestamp, self._timestamp = self._timestamp, None
        self._ended = timestamp
        self._octets = 0
        data, keyframe = self._take()
        self._clear()
        if keyframe and data:
            self.needs_keyframe = False
        if not data or self.needs_keyframe:
            return []
        return [Unit(data, timestamp, self._arrival, keyframe)]

    def _starts(self, payload: bytes) -> bool:
        """Whether this payload is the first of its picture."""
        raise NotImplementedError

    def _succeeds(self, payload: bytes) -> bool:
        """Whether this first payload is of a keyframe or of the picture after the last. Raises
        MalformedError."""
        raise NotImplementedError

    def _add(self, payload: bytes) -> None:
        """A payload of the picture. Raises MalformedError."""
        raise NotImplementedError

    def _take(self) -> tuple[bytes, bool]:
        """The picture (b"" when there is none), and whether it is a keyframe."""
        raise NotImplementedError

    def _clear(self) -> None:
        raise NotImplementedError


class Vp8Depacketiser(_VideoDepacketiser):
    """VP8 frames as the decoder takes them."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._id: tuple[int, int] | None = None  # the newest picture's

    def _starts(self, payload: bytes) -> bool:
        try:
            return vp8.payload_start(payload)[1]
        except MalformedError:
            return False

    def _succeeds(self, payload: bytes) -> bool:
        start, _ = vp8.payload_start(payload)
        if vp8.is_keyframe(payload[start:]):
            return True
        found = vp8.picture_id(payload)
        if self._id is None or found is None:
            return False
        return found[0] == (self._id[0] + 1) % found[1]

    def _add(self, payload: bytes) -> None:
        start, first = vp8.payload_start(payload)
        if first:
            self._id = vp8.picture_id(payload)
        if first is bool(self._parts):
            raise MalformedError("VP8 frame begins twice, or not at all")
        self._grow(len(payload) - start)
        self._parts.append(payload[start:])

    def _take(self) -> tuple[bytes, bool]:
        data = b"".join(self._parts)
        return data, vp8.is_keyframe(data)

    def _clear(self) -> None:
        self._parts = []


class H264Depacketiser(_VideoDepacketiser):
    """Annex B access units. An IDR picture that comes without SPS and PPS gets the last ones seen; they may
    also be given as `parameter_sets` (NAL units, from the SDP)."""

    def __init__(self, parameter_sets: Iterable[bytes] = ()) -> None:
        super().__init__()
        self._units: list[bytes] = []
        self._fragments: list[bytes] = []
        self._sps: bytes | None = None
        self._reference = b""  # the head of a slice of the newest reference picture
        self._pps: dict[bytes, bytes] = {}  # the first bytes hold the id, which tells several apart
        for unit in parameter_sets:
            self._remember(unit)

    def _starts(self, payload: bytes) -> bool:
        kind = payload[0] & 0x1F
        if kind == h264.STAP_A and len(payload) > 4:
            return self._starts(payload[3:])
        if kind == h264.FU_A and len(payload) > 2:
            if not payload[1] & 0x80:
                return False
            return self._starts(payload[1:2] + payload[2:])
        if kind in (h264.SPS, h264.DELIMITER):
            return True
        return kind in (h264.SLICE, h264.IDR) and h264.begins_picture(payload)

    def _succeeds(self, payload: bytes) -> bool:
        kind = payload[0] & 0x1F
        if kind == h264.STAP_A:
            return self._succeeds(payload[3:])
        if kind == h264.FU_A:
            return self._succeeds(payload[1:2] + payload[2:24])
        if kind != h264.SLICE:
            return kind in (h264.SPS, h264.IDR)
        if self._sps is None or not self._reference:
            return False
        sps = h264.parse_sps(self._sps)
        expected = h264.frame_number(self._reference, sps) + 1
        return h264.frame_number(payload, sps) == expected % (1 << sps.number_bits)

    def _add(self, payload: bytes) -> None:
        kind = payload[0] & 0x1F
        self._grow(len(payload))
        if kind == h264.FU_A:
            self._add_fragment(payload)
            return
        if self._fragments:
            raise MalformedError("H264 fragment without end")
        if kind == h264.STAP_A:
            self._add_aggregate(payload)
        elif 1 <= kind <= 23:
            self._add_unit(payload)
        else:
            raise MalformedError("H264 packet type outside packetization-mode 1")

    def _add_fragment(self, payload: bytes) -> None:
        if len(payload) < 3:
            raise MalformedError("H264 fragment cut off")
        flags = payload[1]
        if bool(flags & 0x80) is bool(self._fragments):
            raise MalformedError("H264 fragment begins twice, or not at all")
        if flags & 0x80:
            self._fragments.append(bytes((payload[0] & 0xE0 | flags & 0x1F,)))
        self._fragments.append(payload[2:])
        if flags & 0x40:
            unit = b"".join(self._fragments)
            self._fragments = []
            self._add_unit(unit)

    def _add_aggregate(self, payload: bytes) -> None:
        position, size = 1, len(payload)
        while position < size:
            if size - position < 3:
                raise MalformedError("H264 aggregate cut off")
            end = position + 2 + (payload[position] << 8 | payload[position + 1])
            if end > size or end == position + 2:
                raise MalformedError("H264 aggregate overruns")
            self._add_unit(payload[position + 2 : end])
            position = end

    def _add_unit(self, unit: bytes) -> None:
        kind = unit[0] & 0x1F
        if kind == h264.DELIMITER:
            return
        self._units.append(unit)
        if kind in (h264.SPS, h264.PPS):
            self._remember(unit)
        elif kind in (h264.SLICE, h264.IDR) and unit[0] & 0x60:
            self._reference = unit[:24]

    def _remember(self, unit: bytes) -> None:
        kind = unit[0] & 0x1F
        if kind == h264.SPS:
            if unit != self._sps:
                self._pps.clear()
            self._sps = unit
        elif kind == h264.PPS:
            self._pps.pop(unit[1:2], None)  # the newest goes last, so that it has the last word
            self._pps[unit[1:2]] = unit

    def _take(self) -> tuple[bytes, bool]:
        if self._fragments:
            self.needs_keyframe = True  # the picture ended within a slice
            return b"", False
        kinds = {unit[0] & 0x1F for unit in self._units}
        if h264.IDR not in kinds:
            return (h264.annex_b(self._units) if h264.SLICE in kinds else b""), False
        units = self._units
        if h264.SPS not in kinds or h264.PPS not in kinds:
            if self._sps is None or not self._pps:
                self.needs_keyframe = True
                return b"", False
            sets = (h264.SPS, h264.PPS)
            units = [self._sps, *self._pps.values(), *(u for u in units if u[0] & 0x1F not in sets)]
        return h264.annex_b(units), True

    def _clear(self) -> None:
        self._units = []
        self._fragments = []


Depacketiser = OpusDepacketiser | Vp8Depacketiser | H264Depacketiser


def depacketiser(codec: Codec, parameter_sets: Iterable[bytes] = ()) -> Depacketiser:
    """The depacketiser of a codec. `parameter_sets` matter for H264 only."""
    if codec is Codec.H264:
        return H264Depacketiser(parameter_sets)
    return Vp8Depacketiser() if codec is Codec.VP8 else OpusDepacketiser()
