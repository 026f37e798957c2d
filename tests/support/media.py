"""Known pictures and sounds: files for Chromium's fake devices, and recordings for the WHIP publisher."""

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo.recording import FPS, Recording, load, record
from tests.support.codes import code_of, stamp

Colour = tuple[int, int, int]
RATE = 48000
VERSION = 2  # a new number makes new recordings


def camera_file(path: Path, colour: Colour, width: int = 1280, height: int = 720, pictures: int = 20) -> Path:
    """A y4m file of one colour (Y, U, V) with a bar that moves, for `--use-file-for-fake-video-capture`."""
    luma, u, v = colour
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{width} H{height} F{FPS}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(pictures):
            plane = np.full((height, width), luma, np.uint8)
            left = number * width // pictures
            plane[height // 8 : height // 4, left : left + width // pictures] = 255 - luma
            out.write(b"FRAME\n" + plane.tobytes())
            out.write(bytes([u]) * (width * height // 4) + bytes([v]) * (width * height // 4))
    return path


def microphone_file(path: Path, pitch: float, seconds: float = 4.0) -> Path:
    """A wav file of a tone in bursts (a steady tone would pass for noise and be taken out)."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((bursts(pitch, seconds) * 32767).astype("<i2").tobytes())
    return path


def bursts(pitch: float, seconds: float) -> NDArray[np.float32]:
    """A tone of `pitch` Hz, 300 ms on and 100 ms off, with soft edges."""
    at = np.arange(round(seconds * RATE)) / RATE
    within = at % 0.4
    envelope = np.clip(np.minimum(within, 0.3 - within) / 0.02, 0, 1)
    return (0.4 * envelope * np.sin(2 * np.pi * pitch * at)).astype(np.float32)


def coded_recording(cache: Path, who: int, colour: Colour, pitch: float, seconds: float = 8.0) -> Recording:
    """A 720p30 recording of an RGB colour whose pictures carry `who` and their number, with a tone."""
    path = cache / f"coded-{VERSION}-{who}-{'-'.join(map(str, colour))}-{pitch:.0f}-{seconds:.0f}.mkv"
    if not path.exists():
        record(path, _coded(who, colour, round(seconds * FPS)), bursts(pitch, seconds))
    return load(path)


def flash_recording(cache: Path, who: int, colour: Colour, seconds: float = 8.0) -> Recording:
    """A recording that flashes white and beeps at the same moment, once a second, for measuring lip-sync."""
    path = cache / f"flash-{VERSION}-{who}-{'-'.join(map(str, colour))}-{seconds:.0f}.mkv"
    if not path.exists():
        at = np.arange(round(seconds * RATE)) / RATE
        beep = np.where(at % 1.0 < 0.1, 0.5 * np.sin(2 * np.pi * 1000 * at), 0).astype(np.float32)
        record(path, _flashing(who, colour, round(seconds * FPS)), beep)
    return load(path)


def _coded(who: int, colour: Colour, count: int) -> Iterator[NDArray[np.uint8]]:
    rows, columns = np.mgrid[0:720, 0:1280]
    pattern = ((rows // 8 + columns // 8) % 2 * 10).astype(np.int16)[
        ..., None
    ]  # as much detail as a calm camera
    for number in range(count):
        moved = np.roll(pattern, number * 4, axis=1)
        picture = (np.array(colour, np.int16) + moved).clip(0, 255).astype(np.uint8)
        stamp(picture, code_of(who, number))
        yield picture


def _flashing(who: int, colour: Colour, count: int) -> Iterator[NDArray[np.uint8]]:
    for number, picture in enumerate(_coded(who, colour, count)):
        if number % FPS < 3:
            picture[200:500] = 250
        yield picture
