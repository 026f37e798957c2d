"""A generated speaker as an encoded recording: made once, kept in a cache, read back as frames.

The file is ordinary Matroska (H264 constrained baseline 720p30 without B-frames, a keyframe each second so
that whoever asks for one waits little; Opus 20 ms), so any player can show what a speaker sends.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from numpy.typing import NDArray

from broadcast.rtp.frame import Codec

FPS = 30
GOP = 30  # pictures
AUDIO_RATE = 48000
VIDEO_TICK = 90000 // FPS
AUDIO_TICK = AUDIO_RATE // 50  # 20 ms
OPUS_DELAY = 312  # samples, 6.5 ms (RFC 7845 section 4.2)


@dataclass(frozen=True, slots=True)
class Sample:
    """One encoded picture or packet of sound, `at` seconds from the start of the recording."""

    codec: Codec
    data: bytes
    at: float
    keyframe: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """Samples in the order of their times; `seconds` is the length of the loop, a multiple of both ticks."""

    samples: tuple[Sample, ...]
    seconds: float


def record(
    path: Path, pictures: Iterable[NDArray[np.uint8]], sound: NDArray[np.float32], kbps: int = 1800
) -> None:
    """Encode RGB pictures at 30 a second and mono sound of 48 kHz into `path`; never leaves half a file."""
    part = path.with_suffix(f".{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(part), "w", format="matroska") as box:
        video = box.add_stream("libx264", rate=FPS)
        video.pix_fmt = "yuv420p"
        video.bit_rate = kbps * 1000
        video.gop_size = GOP
        rate = f"keyint={GOP}:scenecut=0:vbv-maxrate={kbps * 3 // 2}:vbv-bufsize={kbps}"
        video.options = {"preset": "veryfast", "profile": "baseline", "x264-params": rate, "bf": "0"}
        audio = box.add_stream("libopus", rate=AUDIO_RATE, layout="mono")
        audio.bit_rate = 48000
        for number, picture in enumerate(pictures):
            if number == 0:
                video.height, video.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            box.mux(video.encode(frame))
        box.mux(video.encode(None))
        # The decoder gives sound back late by its look-ahead; the loop is turned by that much beforehand.
        sound = np.roll(sound, -OPUS_DELAY)
        for start in range(0, len(sound), AUDIO_TICK):
            piece = av.AudioFrame.from_ndarray(
                sound[None, start : start + AUDIO_TICK], format="flt", layout="mono"
            )
            piece.pts, piece.sample_rate, piece.time_base = start, AUDIO_RATE, Fraction(1, AUDIO_RATE)
            box.mux(audio.encode(piece))
        box.mux(audio.encode(None))
    part.replace(path)


def load(path: Path) -> Recording:
    """The recording in `path`, as `record` wrote it."""
    with av.open(str(path)) as box:
        pictures = list(_pictures(box))
    with av.open(str(path)) as box:
        sounds = list(_sounds(box, len(pictures) / FPS))
    return Recording(tuple(sorted(pictures + sounds, key=lambda sample: sample.at)), len(pictures) / FPS)


def _pictures(box: "av.container.InputContainer") -> Iterator[Sample]:
    """Access units in Annex B, SPS and PPS before each keyframe."""
    stream = box.streams.video[0]
    annex_b = BitStreamFilterContext("h264_mp4toannexb", stream)
    number = 0
    for packet in box.demux(stream):
        if packet.size == 0:
            continue
        keyframe = packet.is_keyframe
        for unit in annex_b.filter(packet):
            yield Sample(Codec.H264, bytes(unit), number / FPS, keyframe)
            number += 1


def _sounds(box: "av.container.InputContainer", seconds: float) -> Iterator[Sample]:
    """Opus packets: exactly as many as the pictures last, so that loops keep picture and sound together."""
    wanted = round(seconds * AUDIO_RATE / AUDIO_TICK)
    number = 0
    for packet in box.demux(box.streams.audio[0]):
        if packet.size and number < wanted:
            yield Sample(Codec.OPUS, bytes(packet), number * AUDIO_TICK / AUDIO_RATE, True)
            number += 1
