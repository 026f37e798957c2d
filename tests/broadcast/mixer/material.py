"""Real encoded material for the mixer's tests: a moving pattern that flashes, Opus that beeps with it, and
the measuring of both in a decoded programme."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from broadcast.rtp.frame import Codec, Frame, Kind

FLASH_EVERY = 1.0  # seconds
FLASH_LASTS = 0.1
BEEP = 1000.0  # Hz


@dataclass(frozen=True)
class Item:
    """A frame and its time from the start of the material, in seconds."""

    at: float
    frame: Frame


def encode_video(
    seconds: float,
    codec: Codec = Codec.H264,
    size: tuple[int, int] = (1280, 720),
    fps: int = 30,
    gop: int = 30,
    chroma: tuple[int, int] = (128, 128),
    luma: int = 110,
    kbps: int = 2500,
    flash: bool = True,
) -> list[Item]:
    """A textured pattern that moves; at every full second a white flash of 100 ms."""
    name = {Codec.H264: "libx264", Codec.VP8: "libvpx"}[codec]
    context = av.CodecContext.create(name, "w")
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, fps)
    context.framerate = Fraction(fps)
    context.bit_rate = kbps * 1000
    context.thread_count = 1
    context.gop_size = gop
    if codec is Codec.H264:
        context.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "x264-params": f"keyint={gop}:scenecut=0:repeat-headers=1",
        }
    else:
        context.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    width, height = size
    rows, columns = np.mgrid[0:height, 0 : 2 * width]
    texture = (luma + 24 * np.sin(columns / 23) * np.cos(rows / 17) + (columns * 7 + rows * 13) % 11).astype(
        np.uint8
    )
    items = []
    for n in range(round(seconds * fps)):
        picture = av.VideoFrame(width, height, "yuv420p")
        shift = n * 4 % width
        white = flash and n / fps % FLASH_EVERY < FLASH_LASTS
        values = (
            np.full((height, width), 235, np.uint8) if white else texture[:, shift : shift + width],
            *chroma,
        )
        for plane, value in zip(picture.planes, values, strict=True):
            view = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
            view[: plane.height, : plane.width] = value
        picture.pts = n
        for packet in context.encode(picture):
            stamp = round(n * 90000 / fps)
            items.append(Item(n / fps, Frame(codec, bytes(packet), stamp, 0.0, bool(packet.is_keyframe))))
    return items


def encode_sound(
    seconds: float, level: float = 0.25, tone: float = 0.0, tone_level: float = 0.0
) -> list[Item]:
    """Silence (or a steady tone) with a beep of 100 ms at every full second."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = 48000, "stereo", "flt"
    context.bit_rate = 64000
    context.options = {"frame_duration": "20"}
    times = np.arange(round(seconds * 48000)) / 48000
    # Opus delays by 312 samples: begin as much earlier, so that the beep is where it says.
    early = times + 312 / 48000
    wave = np.where(early % FLASH_EVERY < FLASH_LASTS, level * np.sin(2 * np.pi * BEEP * early), 0.0)
    wave = wave + tone_level * np.sin(2 * np.pi * tone * early)
    items = []
    for n in range(len(times) // 960):
        block = wave[n * 960 : (n + 1) * 960].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.repeat(block, 2).reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate = 48000
        frame.pts = n * 960
        items.extend(Item(n * 0.02, Frame(Codec.OPUS, bytes(p), n * 960, 0.0)) for p in context.encode(frame))
    return items


async def play(
    send: Callable[[Frame], None],
    tracks: list[list[Item]],
    seconds: float,
    *,
    length: float,
    audio_late: float = 0.02,
) -> None:
    """Send the material in real time, over and over, as a camera would: sound leaves when it is over."""
    start = time.monotonic()
    events = sorted(
        (
            (item.at + (audio_late if item.frame.kind is Kind.AUDIO else 0.0), item)
            for track in tracks
            for item in track
        ),
        key=lambda event: event[0],
    )
    loop = 0
    while True:
        for due, item in events:
            at = start + loop * length + due
            if at - start > seconds:
                return
            wait = at - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            frame = item.frame
            stamp = frame.timestamp + round(loop * length * frame.codec.clock_rate)
            send(Frame(frame.codec, frame.data, stamp, start + loop * length + item.at, frame.keyframe))
        loop += 1


def decode_video(frames: list[Frame]) -> list[tuple[float, av.VideoFrame]]:
    """The programme's pictures with their times (`captured`)."""
    context = av.CodecContext.create("h264", "r")
    context.thread_count = 1
    found = []
    for frame in frames:
        if frame.kind is Kind.VIDEO:
            found.extend((frame.captured, picture) for picture in context.decode(av.Packet(frame.data)))
    return found


def decode_sound(frames: list[Frame]) -> tuple[float, np.ndarray]:
    """The time of the first sample, and all samples (2, n), Opus' own delay taken off."""
    context = av.CodecContext.create("libopus", "r")
    context.sample_rate, context.layout, context.format = 48000, "stereo", "flt"
    sound = [frame for frame in frames if frame.kind is Kind.AUDIO]
    parts = [
        f.to_ndarray().reshape(-1, 2).T for frame in sound for f in context.decode(av.Packet(frame.data))
    ]
    samples = np.concatenate(parts, axis=1)
    scale = 32768 if samples.dtype == np.int16 else 1
    return sound[0].captured - 312 / 48000, samples.astype(np.float32) / scale


def luma(picture: av.VideoFrame, box: tuple[int, int, int, int] = (100, 100, 1100, 400)) -> float:
    """Mean brightness of a part (left, top, right, bottom) of a picture."""
    plane = picture.planes[0]
    left, top, right, bottom = box
    view = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[top:bottom, left:right]
    return float(view.mean())


def flashes(pictures: list[tuple[float, av.VideoFrame]], level: float = 190) -> list[float]:
    """The times at which the picture turns white."""
    found = []
    before = False
    for at, picture in pictures:
        white = luma(picture) > level
        if white and not before:
            found.append(at)
        before = white
    return found


def beeps(start: float, samples: np.ndarray, level: float = 0.06) -> list[float]:
    """The times at which a beep begins."""
    loud = np.abs(samples[0]) > level
    found: list[float] = []
    last = -1.0
    for n in np.flatnonzero(loud):
        at = start + n / 48000
        if at - last > 0.3:
            found.append(at)
        last = at
    return found


def plane(picture: av.VideoFrame, number: int) -> np.ndarray:
    """One plane of a picture: 0 brightness, 1 and 2 colour."""
    found = picture.planes[number]
    return np.frombuffer(found, np.uint8).reshape(-1, found.line_size)[: found.height, : found.width]
