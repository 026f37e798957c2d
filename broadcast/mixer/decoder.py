"""The decoders of one source: whatever the bitstream, they give pictures and sound or say that they failed.

A decoder that failed is thrown away; the next keyframe starts a new one.
"""

import av
import numpy as np
from av.codec.context import Flags

from broadcast.errors import MediaError
from broadcast.mixer.picture import LARGEST, Scaler
from broadcast.mixer.sound import RATE, Samples
from broadcast.rtp.frame import Codec, Frame

_NAMES = {Codec.H264: "h264", Codec.VP8: "vp8"}
_LONGEST_PACKET = 5760  # samples: 120 ms, the most that Opus allows (RFC 6716, section 3.2)


class VideoDecoder:
    """H264 or VP8, whichever comes. Used by one thread."""

    def __init__(self) -> None:
        self.scaler = Scaler()
        self._codec: Codec | None = None
        self._context: av.VideoCodecContext | None = None

    def decode(self, frame: Frame) -> av.VideoFrame | None:
        """The picture as yuv420p, BT.601; None when there is none to show (yet).

        Raises MediaError when a keyframe is needed to go on.
        """
        if self._context is None or frame.codec is not self._codec:
            if not frame.keyframe:
                raise MediaError("no keyframe to start with")
            self._open(frame.codec)
        assert self._context is not None, "opened above"
        try:
            found = self._context.decode(av.Packet(frame.data))
            if not found:
                return None
            picture = found[-1]
            if picture.width * picture.height > LARGEST or picture.width < 16 or picture.height < 16:
                raise MediaError(f"a picture of {picture.width} x {picture.height}")
            if picture.is_corrupt:
                raise MediaError("damaged picture")
            return self.scaler.normal(picture)
        except (av.error.FFmpegError, ValueError) as error:
            self.close()
            raise MediaError(f"{frame.codec}: {error}") from error
        except MediaError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the decoder; the next keyframe opens a new one."""
        self._context = None
        self._codec = None

    def _open(self, codec: Codec) -> None:
        context = av.CodecContext.create(_NAMES[codec], "r")
        assert isinstance(context, av.VideoCodecContext), "both are video"
        context.thread_count = 1  # frame threads would delay, and one picture takes 1 to 3 ms
        context.flags |= Flags.low_delay
        self._context = context
        self._codec = codec


class SoundDecoder:
    """Opus, to stereo float at 48 kHz. Used by one thread."""

    def __init__(self) -> None:
        self._context: av.AudioCodecContext | None = None

    def decode(self, data: bytes) -> Samples:
        """The samples of one packet, shape (2, n). Raises MediaError; the next packet may do."""
        if self._context is None:
            self._context = _opus()
        try:
            parts = [_stereo(frame) for frame in self._context.decode(av.Packet(data))]
        except (av.error.FFmpegError, ValueError) as error:
            self._context = None
            raise MediaError(f"opus: {error}") from error
        samples = np.concatenate(parts, axis=1) if parts else np.zeros((2, 0), np.float32)
        return np.nan_to_num(samples[:, :_LONGEST_PACKET], nan=0.0, posinf=1.0, neginf=-1.0)


def _opus() -> av.AudioCodecContext:
    context = av.CodecContext.create("libopus", "r")
    assert isinstance(context, av.AudioCodecContext), "Opus is sound"
    context.sample_rate = RATE
    context.layout = "stereo"
    context.format = "flt"
    return context


def _stereo(frame: av.AudioFrame) -> Samples:
    """Any frame of the decoder as float32 (2, n)."""
    channels = frame.layout.nb_channels
    values = frame.to_ndarray()
    if frame.format.is_packed:
        values = values.reshape(-1, channels).T
    scale = {"s16": 1 / 32768, "s16p": 1 / 32768}.get(frame.format.name, 1.0)
    samples = values.astype(np.float32) * np.float32(scale)
    return samples[:2] if channels >= 2 else np.repeat(samples[:1], 2, axis=0)
