"""The programme to one target, over RTMP(S) or SRT. Lives in the target's own process, and may block.

H264 and AAC go out as they are. Time begins with the first keyframe, and goes on over whatever the server has
left out. Everything here raises SinkError when the target is lost.
"""

from fractions import Fraction
from typing import Protocol

import broadcast.rtp.h264 as h264
from broadcast.errors import MalformedError
from broadcast.outputs.restream import flv
from broadcast.outputs.restream.line import Fault
from broadcast.outputs.restream.reach import SinkError
from broadcast.outputs.restream.server import RtmpConnection
from broadcast.rtp.frame import Frame, Kind
from broadcast.targets import Scheme, Target

NO_PICTURE = Fault("failed", "The programme cannot be described to it.")


class Carrier(Protocol):
    """How pictures and sound get there. Times in seconds from the first keyframe."""

    @property
    def octets(self) -> int:
        """How much the target has taken."""

    def video(self, data: bytes, keyframe: bool, at: Fraction) -> None:
        """One picture, Annex B."""

    def audio(self, data: bytes, at: Fraction) -> None:
        """One AAC frame."""

    def close(self) -> None:
        """Say goodbye where that is possible. Idempotent; raises nothing."""


class Sink:
    """One connection to one target; `look` is a keyframe of the programme, `connect` seconds."""

    def __init__(self, target: Target, look: bytes, connect: float, ca_file: str) -> None:
        self._zero: Fraction | None = None  # the moment of the first keyframe, in seconds of the programme
        self._carrier: Carrier
        if target.scheme is Scheme.SRT:
            # Here, because FFmpeg's libraries are twice as large as all else in a target's process.
            from broadcast.outputs.restream.mpegts import SrtCarrier

            self._carrier = SrtCarrier(target, look, connect)
        else:
            self._carrier = RtmpCarrier(target, look, connect, ca_file)

    @property
    def octets(self) -> int:
        """How much the target has taken."""
        return self._carrier.octets

    def write(self, frame: Frame) -> None:
        """A frame of the programme. What comes before the first keyframe is left out."""
        moment = Fraction(frame.timestamp, frame.codec.clock_rate)
        if self._zero is None:
            if frame.kind is Kind.AUDIO or not frame.keyframe:
                return
            self._zero = moment
        if frame.kind is Kind.VIDEO:
            self._carrier.video(frame.data, frame.keyframe, moment - self._zero)
        elif moment >= self._zero:
            self._carrier.audio(frame.data, moment - self._zero)

    def close(self) -> None:
        """End the connection. Idempotent."""
        self._carrier.close()


class RtmpCarrier:
    """FLV's message bodies over RTMP."""

    def __init__(self, target: Target, look: bytes, connect: float, ca_file: str) -> None:
        try:
            header = flv.video_header(look)
            width, height = h264.picture_size(flv.parameter_sets(look)[0])
        except MalformedError as error:
            raise SinkError(NO_PICTURE) from error
        self._connection = RtmpConnection(target, connect, ca_file)
        self._rtmp = self._connection.rtmp
        self._rtmp.describe(width, height)
        self._rtmp.video(header, 0)
        self._rtmp.audio(flv.audio_header(), 0)
        self._connection.flush()

    @property
    def octets(self) -> int:
        return self._connection.octets

    def video(self, data: bytes, keyframe: bool, at: Fraction) -> None:
        body = flv.video(data, keyframe)
        if body:
            self._rtmp.video(body, round(at * 1000))
            self._connection.flush()

    def audio(self, data: bytes, at: Fraction) -> None:
        self._rtmp.audio(flv.audio(data), round(at * 1000))
        self._connection.flush()

    def close(self) -> None:
        self._connection.close()
