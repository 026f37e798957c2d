"""Segments of the programme -> one MP4 with chapters, in a process of its own. Nothing is encoded anew.

    python -c "from broadcast.outputs.recording.export import main; main(target)" < job.json

The file begins with the keyframe at or before the wanted moment, and is there only when it is whole.
"""

import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from broadcast import priority
from broadcast.errors import MediaError
from broadcast.outputs.recording.cutting import Job, Mark, Piece, job_of, stretches

MILLI = Fraction(1, 1000)


def main(target: str) -> None:
    """Make the file of the job on standard input. Raises MediaError."""
    priority.take(priority.LAST)
    part = Path(f"{target}.{os.getpid()}.part")
    try:
        export(job_of(json.load(sys.stdin)), part)
        os.replace(part, target)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise MediaError(str(error)) from error
    finally:
        part.unlink(missing_ok=True)


def export(job: Job, target: Path) -> None:
    """Write the file; the target is overwritten. Raises MediaError, OSError or one of FFmpeg's errors."""
    head = _keyframe(job.pieces[0], job.begin)
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as write:
        write.metadata.update(job.metadata)
        write.set_chapters([_chapter(n, mark, head) for n, mark in enumerate(job.marks)])
        out = _Out(write)
        for at, row in stretches(job.pieces):
            with av.open(_Row(row), "r", format="mp4") as read:
                out.add(read, at - row[0].start, head, job.end)


class _Out:
    """The target. Its streams are those of the first row, for all rows are alike."""

    def __init__(self, container: Any) -> None:
        self._container = container
        self._streams: dict[str, Any] = {}
        self._newest: dict[str, int] = {}

    def add(self, read: Any, shift: float, head: float, end: float) -> None:
        """One row, whose times are `shift` before their place; only what is from `head` to `end` is kept."""
        if not self._streams:
            for stream in read.streams:
                self._streams[stream.type] = self._container.add_stream_from_template(stream)
        for packet in read.demux():
            kind, base = packet.stream.type, packet.time_base
            if packet.dts is None or kind not in self._streams:
                continue
            at = float(packet.pts * base) + shift
            moved = round((shift - head) / base)
            dts = packet.dts + moved
            # Half a millisecond: the marks are floats. Sound overlaps by a packet where a row begins anew.
            if at < head - 0.0005 or at >= end or dts <= self._newest.get(kind, -1):
                continue
            self._newest[kind] = dts
            packet.pts, packet.dts = packet.pts + moved, dts
            packet.stream = self._streams[kind]
            self._container.mux(packet)


class _Row(io.RawIOBase):
    """Pieces read one after another as one fragmented MP4."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._paths: Iterator[str] = iter([pieces[0].init, *(piece.media for piece in pieces)])
        self._file: Any = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """The next octets; none at the end. A piece that has gone meanwhile is left out."""
        while True:
            if self._file is None:
                path = next(self._paths, None)
                if path is None:
                    return b""
                try:
                    self._file = open(path, "rb")  # noqa: SIM115 - closed below, or with this object
                except FileNotFoundError:
                    continue
            data: bytes = self._file.read(size)
            if data:
                return data
            self._file.close()
            self._file = None


def _keyframe(piece: Piece, begin: float) -> float:
    """The last keyframe in this piece at or before `begin`, both in seconds from its start."""
    with av.open(_Row([piece]), "r", format="mp4") as read:
        times = [
            float(packet.pts * packet.time_base) - piece.start
            for packet in read.demux(video=0)
            if packet.pts is not None and packet.is_keyframe
        ]
    return max((at for at in times if at <= begin + 0.0005), default=min(times, default=0.0))


def _chapter(number: int, mark: Mark, head: float) -> Any:
    return {
        "id": number,
        "start": max(0, round((mark.start - head) * 1000)),
        "end": max(1, round((mark.end - head) * 1000)),
        "time_base": MILLI,
        "metadata": {"title": mark.title},
    }
