"""MPEG-TS over SRT, muxed by FFmpeg. Raises SinkError when the target is lost."""

import contextlib
import io
from fractions import Fraction
from typing import Any

import av

from broadcast.outputs.restream.line import ENDED
from broadcast.outputs.restream.reach import SinkError
from broadcast.outputs.restream.srt import PAYLOAD, SrtConnection
from broadcast.targets import Target

INTERLEAVE_US = "500000"  # picture or sound that waits for the other goes out after this
RATE = 48000  # Hz

_VIDEO_TIME = Fraction(1, 90000)
_AUDIO_TIME = Fraction(1, RATE)


class SrtCarrier:
    """See `sink.Carrier`."""

    def __init__(self, target: Target, look: bytes, connect: float) -> None:
        self._connection = SrtConnection(target, connect)
        options = {"max_interleave_delta": INTERLEAVE_US, "flush_packets": "1"}
        self._container = av.open(
            self._connection, "w", format="mpegts", buffer_size=PAYLOAD, options=options
        )
        with av.open(io.BytesIO(look), format="h264") as parsed:
            self._video = self._container.add_stream_from_template(parsed.streams.video[0])
        # Its encoder stays idle: it says what the frames are, which the mixer's own encoder has made alike.
        self._audio = self._container.add_stream("aac", rate=RATE, layout="stereo")
        self._video.time_base, self._audio.time_base = _VIDEO_TIME, _AUDIO_TIME
        self._container.start_encoding()

    @property
    def octets(self) -> int:
        return self._connection.octets

    def video(self, data: bytes, keyframe: bool, at: Fraction) -> None:
        self._mux(self._video, data, keyframe, round(at * 90000), _VIDEO_TIME)

    def audio(self, data: bytes, at: Fraction) -> None:
        self._mux(self._audio, data, True, round(at * RATE), _AUDIO_TIME)

    def close(self) -> None:
        with contextlib.suppress(av.error.FFmpegError, OSError, SinkError):  # it may have gone already
            self._container.close()
        self._connection.close()

    def _mux(self, stream: Any, data: bytes, keyframe: bool, at: int, base: Fraction) -> None:
        packet = av.Packet(data)
        packet.pts = packet.dts = at
        packet.time_base, packet.stream, packet.is_keyframe = base, stream, keyframe
        try:
            self._container.mux(packet)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise SinkError(ENDED) from error
