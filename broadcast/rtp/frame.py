"""(P) One encoded picture or one packet of sound: what every feed is made of, the programme too."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a frame is for."""

    VIDEO = "video"
    AUDIO = "audio"


class Codec(StrEnum):
    """The codecs that travel through Pavilion."""

    H264 = "h264"
    VP8 = "vp8"
    OPUS = "opus"
    AAC = "aac"

    @property
    def kind(self) -> Kind:
        return Kind.AUDIO if self in (Codec.OPUS, Codec.AAC) else Kind.VIDEO

    @property
    def clock_rate(self) -> int:
        """RTP ticks a second (RFC 6184, RFC 7741, RFC 7587); AAC, which is only for segments, alike."""
        return 48000 if self.kind is Kind.AUDIO else 90000


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded frame.

    `data`: H264 as an Annex B access unit (four-byte start codes, SPS and PPS included before an IDR),
    a VP8 frame, an Opus packet, or an AAC-LC packet without header. `timestamp`: RTP ticks of
    `codec.clock_rate`, unwrapped: it never jumps back to zero. `captured`: seconds on this machine's
    monotonic clock when the frame was taken, by the sender's own reports, so that picture and sound of one
    feed share one line.
    """

    codec: Codec
    data: bytes
    timestamp: int
    captured: float
    keyframe: bool = True

    @property
    def kind(self) -> Kind:
        return self.codec.kind
