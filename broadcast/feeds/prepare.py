"""Any media file -> what a camera would send: H264 baseline and Opus in a NUT file, in a process of its own.

Pictures are put on a line of 30 a second by their times, sound on a line of samples, both from the file's
own zero, so that lips stay in step whatever the file's rates and gaps are.
"""

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from broadcast import priority
from broadcast.errors import MediaError

VERSION = "clip 1"  # of what comes out; changes with it, so that old caches are not used
FPS = 30
RATE = 48000
BLOCK = 960  # samples of an Opus packet
SIZE = (1280, 720)  # at most
PRE_SKIP = 312  # samples by which Opus delays: left out at the start, so that sound is where it says
GAP = 1920  # samples of a hole in the sound that is filled, or of an overlap that is cut; less is jitter
LONGEST_HOLE = 600 * RATE  # a file with a larger one is broken
LONGEST_WAIT = 3000  # packets of sound before the first picture
BT709 = 1  # AVCOL_SPC_BT709


def main(source: str, target: str, own: str = "") -> None:
    """Convert `source` to `target`, which is there only when whole. Raises MediaError.

    `own`: not empty where it is a recording of the programme, whose pictures are as they must be.
    """
    priority.take(priority.LAST)
    part = Path(f"{target}.{os.getpid()}.part")
    try:
        (repack if own else convert)(Path(source), part)
        os.replace(part, target)
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(str(error)) from error
    finally:
        part.unlink(missing_ok=True)


def convert(source: Path, target: Path) -> None:
    """Convert a file; the target is overwritten. Raises MediaError or one of FFmpeg's errors."""
    with av.open(str(source)) as read, av.open(str(target), "w", format="nut") as write:
        if not read.streams.video:
            raise MediaError("it has no picture")
        pictures = read.streams.video[0]
        pictures.thread_type = "AUTO"
        sounds = read.streams.audio[0] if read.streams.audio else None
        start = float((read.start_time or 0) / av.time_base)
        out = _Out(write)
        video = _Video(out, start)
        audio = _Audio(out, start) if sounds is not None else None
        for packet in read.demux([stream for stream in (pictures, sounds) if stream is not None]):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue  # a damaged place in the file: the last picture stands
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    video.add(frame)
                elif audio is not None and isinstance(frame, av.AudioFrame):
                    audio.add(frame)
        video.end()
        if audio is not None:
            audio.end()


def repack(source: Path, target: Path) -> None:
    """A recording of the programme: its pictures untouched, its sound as Opus. Raises as `convert` does."""
    with av.open(str(source)) as read, av.open(str(target), "w", format="nut") as write:
        if not read.streams.video:
            raise MediaError("it has no picture")
        pictures, sounds = read.streams.video[0], read.streams.audio
        stream = write.add_stream_from_template(pictures)
        annex_b = av.bitstream.BitStreamFilterContext("h264_mp4toannexb", pictures, stream)
        start = float((read.start_time or 0) / av.time_base)
        out = _Out(write)
        audio = _Audio(out, start) if sounds else None
        out.open()
        for packet in read.demux([pictures, *sounds[:1]]):
            if packet.stream is not pictures:
                for frame in packet.decode():
                    if audio is not None and isinstance(frame, av.AudioFrame):
                        audio.add(frame)
            elif packet.pts is not None:
                packet.pts = packet.dts = packet.pts - round(start / packet.time_base)
                for picture in annex_b.filter(packet):
                    picture.stream = stream
                    out.mux(picture)
        if audio is not None:
            audio.end()


class _Out:
    """The target. All its streams must be there before a packet: sound waits for the first picture."""

    def __init__(self, container: Any) -> None:
        self.container = container
        self._waiting: list[Any] = []
        self._open = False

    def open(self) -> None:
        """All streams are there."""
        self._open = True
        for packet in self._waiting:
            self.container.mux(packet)
        self._waiting = []

    def mux(self, packet: Any) -> None:
        """Write a packet, or keep it. Raises MediaError when the first picture does not come."""
        if self._open:
            self.container.mux(packet)
        elif len(self._waiting) < LONGEST_WAIT:
            self._waiting.append(packet)
        else:
            raise MediaError("its first picture comes a minute after its sound")


class _Video:
    """Pictures at any times -> one picture each 1/30 s."""

    def __init__(self, out: _Out, start: float) -> None:
        self._out = out
        self._start = start
        self._stream: Any = None
        self._last: av.VideoFrame | None = None
        self._size = SIZE
        self._next = 0

    def add(self, frame: av.VideoFrame) -> None:
        """A picture: the one before it stands until its time."""
        at = round((float(frame.time or 0.0) - self._start) * FPS)
        while self._last is not None and self._next < at:
            self._encode(self._last)
        self._last = self._fitted(frame)

    def end(self) -> None:
        """The last picture, and what the encoder still has. Raises MediaError when there was none."""
        if self._last is None:
            raise MediaError("it has no picture")
        self._encode(self._last)
        for packet in self._stream.encode(None):
            self._out.mux(packet)

    def _encode(self, frame: av.VideoFrame) -> None:
        frame.pts = self._next
        frame.time_base = Fraction(1, FPS)
        frame.pict_type = av.video.frame.PictureType.NONE
        self._next += 1
        for packet in self._stream.encode(frame):
            self._out.mux(packet)

    def _fitted(self, frame: av.VideoFrame) -> av.VideoFrame:
        """As yuv420p, BT.601, upright, in the size of the first picture."""
        turns = round(frame.rotation / 90) % 4
        if self._stream is None:
            wide, high = (frame.height, frame.width) if turns % 2 else (frame.width, frame.height)
            scale = min(1.0, SIZE[0] / wide, SIZE[1] / high)
            self._size = (max(16, int(wide * scale) // 2 * 2), max(16, int(high * scale) // 2 * 2))
            self._stream = self._open()
            self._out.open()
        size = self._size[::-1] if turns % 2 else self._size
        upright = frame.reformat(
            *size,
            "yuv420p",
            src_colorspace="ITU709" if int(frame.colorspace) == BT709 else "ITU601",
            dst_colorspace="ITU601",
            dst_color_range="MPEG",
        )
        return upright if turns == 0 else _turned(upright, turns, self._size)

    def _open(self) -> Any:
        stream = self._out.container.add_stream("libx264", rate=FPS)
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS)
        stream.options = {
            "preset": "veryfast",
            "profile": "baseline",
            "crf": "20",
            "x264-params": f"keyint={FPS}:min-keyint={FPS}:scenecut=0:repeat-headers=1:bframes=0:open-gop=0"
            ":vbv-maxrate=4000:vbv-bufsize=2000",
        }
        return stream


class _Audio:
    """Sound of any rate and with any gaps -> Opus packets without a gap."""

    def __init__(self, out: _Out, start: float) -> None:
        self._out = out
        self._start = start
        self._stream = out.container.add_stream("libopus", rate=RATE, layout="stereo")
        self._stream.bit_rate = 128000
        self._stream.options = {"frame_duration": "20"}
        self._resampler = av.AudioResampler("flt", "stereo", RATE)
        self._waiting: NDArray[np.float32] = np.zeros((0, 2), np.float32)
        self._got = 0  # samples since the file's zero
        self._number = 0

    def add(self, frame: av.AudioFrame) -> None:
        """The next sound, put where its time says."""
        at = round((float(frame.time or 0.0) - self._start) * RATE)
        samples = self._resampled(frame)
        off = at - self._got
        if GAP < off < LONGEST_HOLE:
            samples = np.concatenate((np.zeros((off, 2), np.float32), samples))
        elif off < -GAP:
            samples = samples[min(-off, len(samples)) :]
        self._take(samples)

    def end(self) -> None:
        """What is left, filled up with silence to a whole packet."""
        self._take(self._resampled(None))
        self._take(np.zeros((BLOCK + PRE_SKIP, 2), np.float32))

    def _resampled(self, frame: av.AudioFrame | None) -> NDArray[np.float32]:
        parts = [part.to_ndarray().reshape(-1, 2) for part in self._resampler.resample(frame)]
        return np.concatenate(parts) if parts else np.zeros((0, 2), np.float32)

    def _take(self, samples: NDArray[np.float32]) -> None:
        skip = min(len(samples), max(0, PRE_SKIP - self._got))
        self._got += len(samples)
        self._waiting = np.concatenate((self._waiting, samples[skip:]))
        whole = len(self._waiting) // BLOCK * BLOCK
        for start in range(0, whole, BLOCK):
            self._encode(self._waiting[start : start + BLOCK])
        self._waiting = self._waiting[whole:]

    def _encode(self, block: NDArray[np.float32]) -> None:
        packed = np.ascontiguousarray(block, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout="stereo")
        frame.sample_rate = RATE
        frame.time_base = Fraction(1, RATE)
        frame.pts = self._number * BLOCK
        for packet in self._stream.encode(frame):
            packet.pts = packet.dts = self._number * BLOCK  # Opus would begin before zero
            packet.time_base = Fraction(1, RATE)
            self._out.mux(packet)
        self._number += 1


def _turned(frame: av.VideoFrame, turns: int, size: tuple[int, int]) -> av.VideoFrame:
    """The picture turned by quarters, counter-clockwise."""
    turned = av.VideoFrame(*size, "yuv420p")
    for source, target in zip(frame.planes, turned.planes, strict=True):
        before, after = (
            np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]  # type: ignore[call-overload]
            for plane in (source, target)
        )
        after[:] = np.rot90(before, turns)
    return turned
