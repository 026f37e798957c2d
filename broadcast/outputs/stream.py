"""(P) One outgoing RTP stream that many peers share: numbering, history, sender reports.

All peers get the same SSRC, timestamps and payloads. The payload type and the header extension follow each
peer's offer, and who has changed renditions counts on from where it was; peers that agree in these are a
`Group` and share the header work.
"""

from dataclasses import dataclass
from typing import NamedTuple

from broadcast.rtp.frame import Codec, Frame, Kind
from broadcast.rtp.history import History
from broadcast.rtp.packet import header, headers
from broadcast.rtp.packetise import payloads
from broadcast.rtp.rtcp import SenderReport, SourceDescription, to_ntp

# Seconds by which reports call sound younger than it is. Players hold pictures back until the sound of the
# same moment has passed their longer sound buffer; this much nobody notices, and pictures come earlier by it.
SOUND_EASE = 0.018
PADDING = bytes(254) + b"\xff"  # as much as there can be, behind a header


@dataclass(frozen=True, slots=True)
class Face:
    """How a group of peers wants the headers."""

    payload_type: int
    extension: bytes = b""
    counter: int = 0  # where in `extension` each packet's own number goes (transport-cc); 0: nowhere
    shift: int = 0  # their numbers less the stream's own


class Numbered(NamedTuple):
    """A frame's packets before they have headers for anybody: the number of the first, the timestamp of all,
    whether the last bears the marker, and when they were sent (monotonic seconds)."""

    first: int
    timestamp: int
    marker: bool
    payloads: list[bytes]
    sent: float


class Stream:
    """`offset` is added to every timestamp; start it and `sequence` at random (RFC 3550 section 5.1)."""

    def __init__(self, codec: Codec, ssrc: int, *, sequence: int, offset: int, history: int = 2048) -> None:
        self.codec = codec
        self.ssrc = ssrc
        self.packets = 0
        self.octets = 0
        self.last: Frame | None = None
        self.stale = 0  # frames refused because their timestamp did not grow
        self.key_first: int | None = None  # sequence number where the newest keyframe starts
        self.key_at = 0.0  # when it was sent
        self._next = sequence & 0xFFFF
        self._offset = offset
        self._history: History[Numbered] = History(history)
        self._since_key = 0  # packets from the start of the keyframe to the newest
        self._size = history

    @property
    def next(self) -> int:
        """The sequence number of the next packet."""
        return self._next

    def number(self, frame: Frame, now: float) -> Numbered | None:
        """The frame's packets, numbered and kept. None for a frame without content, of another codec, or not
        newer than the last: timestamps never go back."""
        if frame.codec is not self.codec or (self.last and frame.timestamp <= self.last.timestamp):
            self.stale += 1
            return None
        parts = payloads(frame)
        if not parts:
            return None
        first, count = self._next, len(parts)
        stamp = (frame.timestamp + self._offset) & 0xFFFFFFFF
        found = Numbered(first, stamp, frame.kind is Kind.VIDEO, parts, now)
        for sequence in range(first, first + count):
            self._history.put(sequence, found)
        self.octets += sum(map(len, parts))
        self.packets += count
        self._next = (first + count) & 0xFFFF
        if frame.keyframe:
            self.key_first, self.key_at, self._since_key = first, now, 0
        self._since_key += count
        self.last = frame
        return found

    def since_keyframe(self) -> list[Numbered]:
        """Everything from the newest keyframe to now; [] if there was none or history no longer has it."""
        found: list[Numbered] = []
        if self.key_first is None or self._since_key > self._size:
            return found
        at, end = self.key_first, self.key_first + self._since_key
        while at < end and (frame := self._history.get(at)) is not None:
            found.append(frame)
            at += len(frame.payloads)
        return found

    def packets_of(self, frame: Numbered, face: Face) -> list[bytes]:
        """The packets as that group gets them; the same bytes each time."""
        count = len(frame.payloads)
        if face.counter:
            return [self._packet(frame, place, face) for place in range(count)]
        heads = headers(
            face.payload_type,
            frame.first + face.shift,
            count,
            frame.timestamp,
            self.ssrc,
            marker=frame.marker,
            extension=face.extension,
        )
        return [head + payload for head, payload in zip(heads, frame.payloads, strict=True)]

    def find(self, sequence: int) -> tuple[Numbered, int] | None:
        """The frame that this packet belongs to, from history, and the packet's place in it."""
        frame = self._history.get(sequence)
        return None if frame is None else (frame, (sequence - frame.first) & 0xFFFF)

    def packet(self, sequence: int, face: Face) -> bytes | None:
        """One packet from history, the same bytes as in `packets_of`. `sequence`: the stream's own number."""
        found = self.find(sequence)
        return None if found is None else self._packet(*found, face)

    def _packet(self, frame: Numbered, place: int, face: Face) -> bytes:
        number, last = frame.first + place + face.shift, len(frame.payloads) - 1
        marker, extension = frame.marker and place == last, _extension(face, number)
        head = header(
            face.payload_type, number, frame.timestamp, self.ssrc, marker=marker, extension=extension
        )
        return head + frame.payloads[place]

    def padding(self, number: int, timestamp: int, face: Face) -> bytes:
        """A packet of nothing but padding, with the number that the peer sees (RFC 3550 section 5.1)."""
        head = header(
            face.payload_type, number, timestamp, self.ssrc, extension=_extension(face, number), padding=True
        )
        return head + PADDING

    @property
    def timestamp(self) -> int:
        """The newest frame's, as sent; 0 before the first."""
        return (self.last.timestamp + self._offset) & 0xFFFFFFFF if self.last else 0

    def report(self, now: float, wall: float, cname: str) -> bytes:
        """A sender report with its CNAME, anchored at the last frame's capture; b"" before the first.

        `wall` is the Unix time of the monotonic `now`, from one offset for the whole life of the stream.
        """
        if self.last is None:
            return b""
        ease = SOUND_EASE if self.codec.kind is Kind.AUDIO else 0.0
        elapsed = (now - self.last.captured - ease) * self.codec.clock_rate
        timestamp = self.last.timestamp + self._offset + round(elapsed)
        report = SenderReport(self.ssrc, to_ntp(wall), timestamp, self.packets, self.octets)
        return report.build() + SourceDescription(self.ssrc, cname).build()


def _extension(face: Face, number: int) -> bytes:
    at = face.counter
    if not at:
        return face.extension
    return face.extension[:at] + (number & 0xFFFF).to_bytes(2, "big") + face.extension[at + 2 :]
