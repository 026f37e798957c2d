"""Frames as feeds have them, for what records them: small pictures and a tone, encoded once a test run."""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from broadcast.rtp.frame import Codec, Frame

FPS = 30


@lru_cache
def pictures(codec: Codec, width: int, height: int, seconds: int = 2) -> tuple[tuple[bytes, bool], ...]:
    """Encoded pictures of that size with a keyframe each second, as (data, keyframe)."""
    name = "libx264" if codec is Codec.H264 else "libvpx"
    encoder = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.gop_size = Fraction(1, FPS), Fraction(FPS), FPS
    encoder.options = (
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "x264-params": "repeat-headers=1",
        }
        if codec is Codec.H264
        else {"deadline": "realtime", "lag-in-frames": "0"}
    )
    found = []
    for number in range(seconds * FPS):
        picture = np.full((height, width, 3), (number * 3) % 200, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        found += [(bytes(packet), packet.is_keyframe) for packet in encoder.encode(frame)]
    return tuple(found)


@lru_cache
def sounds(seconds: int = 2) -> tuple[bytes, ...]:
    """Opus packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48000, "stereo", "flt"
    found = []
    for number in range(seconds * 50):
        at = (np.arange(960) + number * 960) / 48000
        tone = np.repeat((0.3 * np.sin(2 * np.pi * 440 * at)).astype(np.float32), 2)
        frame = av.AudioFrame.from_ndarray(tone.reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, number * 960, Fraction(1, 48000)
        found += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(found)


def feed(
    codec: Codec | None,
    width: int = 320,
    height: int = 240,
    seconds: int = 2,
    start: float = 0.0,
    sound: bool = True,
) -> Iterator[Frame]:
    """What a feed hands on from `start`: pictures (None: none) and sound, in the order of their times."""
    frames = []
    if codec is not None:
        for n, (data, key) in enumerate(pictures(codec, width, height, seconds)):
            frames.append(Frame(codec, data, n * 3000, start + n / FPS, key))
    if sound:
        frames += [Frame(Codec.OPUS, data, n * 960, start + n / 50) for n, data in enumerate(sounds(seconds))]
    return iter(sorted(frames, key=lambda frame: frame.captured))


def probe(path: Path) -> dict[str, list[float]]:
    """Every picture and packet of sound of a file, decoded without a fault: stream type -> times in seconds.

    The pictures' sizes come as "widths". Raises AssertionError where times do not grow.
    """
    found: dict[str, list[float]] = {"video": [], "audio": [], "widths": []}
    with av.open(str(path)) as container:
        for packet in container.demux():
            for frame in packet.decode():
                found[packet.stream.type].append(float(frame.time))
                if isinstance(frame, av.VideoFrame):
                    found["widths"].append(frame.width)
    for kind in ("video", "audio"):
        assert all(later > earlier for earlier, later in pairwise(found[kind])), kind
    return found
