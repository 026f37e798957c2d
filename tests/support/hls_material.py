"""A small programme for the tests of segments: real H264 and AAC, in the clock of the mixer."""

from collections.abc import Iterator
from functools import cache

import av
import numpy as np

from broadcast.mixer.encoder import SegmentSoundEncoder, VideoEncoder
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.sound import BLOCK, RATE
from broadcast.rtp.frame import Codec, Frame

WIDTH, HEIGHT, FPS, GOP = 128, 96, 30, 60
LONG = 40 * FPS  # ticks: one long programme serves all tests that need more than a few seconds


def pictures(count: int, extra_keys: tuple[int, ...] = ()) -> tuple[Frame, ...]:
    """`count` pictures from tick 0, each of another grey, with a keyframe each two seconds and where told."""
    return _pictures(max(count, LONG if count > 120 else 120), extra_keys)[:count]


@cache
def _pictures(count: int, extra_keys: tuple[int, ...]) -> tuple[Frame, ...]:
    settings = ProgrammeSettings(width=WIDTH, height=HEIGHT, fps=FPS)
    encoder = VideoEncoder(settings)
    made = []
    for tick in range(count):
        grey = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
        grey[:HEIGHT] = 16 + (tick * 7) % 200
        frame = av.VideoFrame.from_ndarray(grey, format="yuv420p")
        data, key = encoder.encode(frame, tick, tick % GOP == 0 or tick in extra_keys)
        made.append(Frame(Codec.H264, data, tick * 3000, 100 + tick / FPS, key))
    return tuple(made)


def sound(blocks: int) -> tuple[Frame, ...]:
    """A tone of so many blocks of 20 ms as AAC packets."""
    packets = _sound(max(blocks, LONG * 50 // FPS if blocks > 200 else 200))
    return tuple(packet for packet in packets if packet.timestamp + 2 * 1024 <= blocks * BLOCK)


@cache
def _sound(blocks: int) -> tuple[Frame, ...]:
    encoder = SegmentSoundEncoder(128)
    made = []
    for number in range(blocks):
        at = (np.arange(BLOCK) + number * BLOCK) / RATE
        block = np.stack([0.2 * np.sin(2 * np.pi * 440 * at)] * 2).astype(np.float32)
        for first, data in encoder.encode(block, number):
            made.append(Frame(Codec.AAC, data, first, 100 + first / RATE))
    return tuple(made)


def programme(seconds: float, extra_keys: tuple[int, ...] = ()) -> Iterator[Frame]:
    """Pictures and sound as they leave the mixer, one after another."""
    frames = [*pictures(round(seconds * FPS), extra_keys=extra_keys), *sound(round(seconds * 50))]
    # Sound leaves some 45 ms after its first sample.
    yield from sorted(frames, key=lambda f: f.captured + (0.045 if f.codec is Codec.AAC else 0))


def decoded(data: bytes) -> tuple[list[float], list[int], int]:
    """A fragmented MP4 as FFmpeg reads it: times of the pictures, their grey, how many samples of sound."""
    import io

    times, greys, samples = [], [], 0
    with av.open(io.BytesIO(data)) as container:
        for frame in container.decode():
            if isinstance(frame, av.VideoFrame):
                times.append(float(frame.pts * frame.time_base))
                greys.append(int(frame.to_ndarray(format="gray").mean()))
            else:
                samples += frame.samples
    return times, greys, samples
