"""A programme on disk, as fragmented MP4 in segments of two seconds, with a flash and a beep each second."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from broadcast.outputs.recording.cutting import Piece

FPS = 30
SEGMENT = 2.0  # seconds


def segments(folder: Path, seconds: float, wall: float, start: float = 0.0) -> list[Piece]:
    """Write a programme of that length, `start` on its own line; keyframes each second."""
    folder.mkdir(parents=True)
    boxes = _boxes(_fragmented(folder / "whole.mp4", seconds))
    (folder / "init-0.mp4").write_bytes(b"".join(data for name, data in boxes if name in ("ftyp", "moov")))
    fragments = [data for name, data in boxes if name in ("moof", "mdat")]
    pieces = []
    for n in range(0, len(fragments), 2):
        path = folder / f"seg-{n // 2}.m4s"
        path.write_bytes(b"".join(fragments[n : n + 2]))
        at = n // 2 * SEGMENT
        piece = Piece(
            str(path), str(folder / "init-0.mp4"), start + at, SEGMENT, wall + at, path.stat().st_size
        )
        pieces.append(piece)
    return pieces


def _fragmented(path: Path, seconds: float) -> bytes:
    """Picture and sound; the muxer cuts a fragment at each second keyframe."""
    options = {"movflags": "empty_moov+default_base_moof", "frag_duration": str(int(SEGMENT * 1e6))}
    with av.open(str(path), "w", format="mp4", options=options) as out:
        video = out.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        video.codec_context.time_base = Fraction(1, FPS)
        video.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "x264-params": f"keyint={FPS}:min-keyint={FPS}:scenecut=0",
        }
        audio = out.add_stream("aac", rate=48000, layout="stereo")
        sound = 0
        for n in range(round(seconds * FPS)):
            picture = np.full((180, 320, 3), 220 if n % FPS < 3 else 40 + n // FPS % 5, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, FPS)
            out.mux(video.encode(frame))
            while sound + 1024 <= (n + 1) * 1600:
                out.mux(audio.encode(_tone(sound)))
                sound += 1024
        out.mux(video.encode(None))
        out.mux(audio.encode(None))
    return path.read_bytes()


def _tone(first: int) -> av.AudioFrame:
    at = (np.arange(1024) + first) / 48000
    tone = np.where(at % 1.0 < 0.1, 0.5 * np.sin(2 * np.pi * 1000 * at), 0).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(np.stack((tone, tone)), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48000, first, Fraction(1, 48000)
    return frame


def _boxes(data: bytes) -> list[tuple[str, bytes]]:
    found = []
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        found.append((data[at + 4 : at + 8].decode(), data[at : at + size]))
        at += size
    return found
