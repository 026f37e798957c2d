"""The programme's encoders: H264 (constrained baseline) and Opus. One packet for each input, at once."""

from fractions import Fraction

import av
import numpy as np
from av.video.frame import PictureType

from broadcast.errors import MediaError
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.sound import BLOCK, RATE, Samples
from broadcast.rtp import h264


class VideoEncoder:
    """x264 without look-ahead. Keyframes come only when asked for."""

    def __init__(self, settings: ProgrammeSettings) -> None:
        context = av.CodecContext.create("libx264", "w")
        assert isinstance(context, av.VideoCodecContext), "x264 is video"
        context.width = settings.width
        context.height = settings.height
        context.pix_fmt = "yuv420p"
        context.framerate = Fraction(settings.fps)
        context.time_base = Fraction(1, settings.fps)
        context.thread_count = 1  # the tick has 33 ms and needs 5; threads cost CPU and quality
        # Constant quality below the limit: a slate that stands still costs viewers nearly nothing.
        context.options = {
            "crf": str(settings.crf),
            "preset": settings.preset,
            "tune": "zerolatency",
            "profile": "baseline",
            "level": _level(settings),
            "forced-idr": "1",
            "x264-params": ":".join(
                (
                    "keyint=infinite:scenecut=0:repeat-headers=1:sliced-threads=0",
                    # No edge of the quality that is enough is filtered (`alpha` of H.264, 8.7.2.2, is 0 up to
                    # a QP of 21): a player decodes a keyframe in half the time. See decision 20.
                    "deblock=-3,-3",
                    # Below, x264 would spend the whole rate on the grain of a slate that stands still.
                    f"qpmin={settings.crf - 1}",
                    f"vbv-maxrate={settings.video_kbps}:vbv-bufsize={settings.vbv_kbit}",
                    "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m:fullrange=off",
                )
            ),
        }
        self._context = context

    def encode(self, frame: av.VideoFrame, tick: int, keyframe: bool) -> tuple[bytes, bool]:
        """One picture (yuv420p of the programme's size) as an Annex B access unit, and whether it is an IDR.

        The frame may be drawn on again afterwards. Raises MediaError.
        """
        frame.pts = tick
        frame.time_base = self._context.time_base
        frame.pict_type = PictureType.I if keyframe else PictureType.NONE
        try:
            packets = self._context.encode(frame)
        except av.error.FFmpegError as error:
            raise MediaError(f"video encoder: {error}") from error
        if len(packets) != 1:
            raise MediaError(f"video encoder: {len(packets)} packets for one picture")
        data = bytes(packets[0])
        if not packets[0].is_keyframe:
            return data, False
        return h264.annex_b([unit for unit in h264.nal_units(data) if unit[0] & 0x1F != h264.SEI]), True


class SoundEncoder:
    """Opus, 20 ms a packet: stereo for the programme, mono for a voice in the ear."""

    def __init__(self, kbps: int, channels: int = 2) -> None:
        context = av.CodecContext.create("libopus", "w")
        assert isinstance(context, av.AudioCodecContext), "Opus is sound"
        context.sample_rate = RATE
        self._layout = context.layout = "stereo" if channels == 2 else "mono"
        context.format = "flt"
        context.bit_rate = kbps * 1000
        context.time_base = Fraction(1, RATE)
        # Complexity 5 of 10: half the CPU of 10, no difference to be heard at this rate.
        context.options = {
            # 2.5 ms of look-ahead instead of 6.5, the same codec at this rate; also for one voice, where
            # "voip" would need three times the CPU.
            "application": "lowdelay",
            "frame_duration": "20",
            "vbr": "constrained",
            "compression_level": "5",
        }
        self._context = context

    def encode(self, block: Samples, number: int) -> bytes:
        """One block of 20 ms, the `number`th, shape (channels, 960). Raises MediaError."""
        packed = np.ascontiguousarray(block.T, dtype=np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=self._layout)
        frame.sample_rate = RATE
        frame.time_base = Fraction(1, RATE)
        frame.pts = number * BLOCK
        try:
            packets = self._context.encode(frame)
        except av.error.FFmpegError as error:
            raise MediaError(f"sound encoder: {error}") from error
        if len(packets) != 1:
            raise MediaError(f"sound encoder: {len(packets)} packets for one block")
        return bytes(packets[0])


class SegmentSoundEncoder:
    """AAC-LC for segments, 1024 samples a packet, on a grid that is the same for every process."""

    FRAME = 1024
    LATE = 2  # frames
    AHEAD = 120  # samples by which blocks are ahead of the picture: they allow for the look-ahead of Opus

    def __init__(self, kbps: int) -> None:
        context = av.CodecContext.create("aac", "w")
        assert isinstance(context, av.AudioCodecContext), "AAC is sound"
        context.sample_rate = RATE
        context.layout = "stereo"
        context.format = "fltp"
        context.bit_rate = kbps * 1000
        context.time_base = Fraction(1, RATE)
        context.options = {"aac_coder": "fast"}  # half the CPU, and no difference to be heard at this rate
        self._context = context
        self._waiting = np.zeros((2, 0), np.float32)
        self._next = -1  # the sample that comes next
        self._held: list[int] = []  # the first samples of the frames in the encoder: it is two frames late

    def encode(self, block: Samples, number: int) -> list[tuple[int, bytes]]:
        """The packets that the `number`th block of 20 ms completes, each with the number of its first
        sample. Raises MediaError."""
        at = number * BLOCK + self.AHEAD
        if at != self._next:
            self._waiting = np.zeros((2, at % self.FRAME), np.float32)
        self._waiting = np.concatenate((self._waiting, block), axis=1)
        self._next = at + BLOCK
        made = []
        while self._waiting.shape[1] >= self.FRAME:
            first = self._next - self._waiting.shape[1]
            frame = np.ascontiguousarray(self._waiting[:, : self.FRAME])
            self._waiting = self._waiting[:, self.FRAME :]
            made += self._packets(frame, first)
        return made

    def _packets(self, samples: Samples, first: int) -> list[tuple[int, bytes]]:
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate = RATE
        frame.time_base = Fraction(1, RATE)
        frame.pts = first
        try:
            packets = self._context.encode(frame)
        except av.error.FFmpegError as error:
            raise MediaError(f"sound encoder: {error}") from error
        self._held.append(first)
        # What comes out first is only there to prime decoders.
        return [(self._held.pop(0), bytes(packet)) for packet in packets[:1] if len(self._held) > self.LATE]


def _level(settings: ProgrammeSettings) -> str:
    """The lowest H264 level that holds the size and rate (table A-1): 3.1 for 1280 x 720 at 30."""
    blocks = -(-settings.width // 16) * -(-settings.height // 16)
    for level, most, rate in (("3.1", 3600, 108000), ("3.2", 5120, 216000), ("4.0", 8192, 245760)):
        if blocks <= most and blocks * settings.fps <= rate:
            return level
    return "4.2"
