"""Sends a recording in a loop over WHIP, as a camera would: picture by picture, on time, without end."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from broadcast.rtp.frame import Frame, Kind
from demo.recording import AUDIO_RATE, Recording, Sample

VIDEO_RATE = 90000  # RTP ticks a second


class Sender(Protocol):
    """What a recording is played into; `broadcast.client.WhipPublisher` is one."""

    def send(self, frame: Frame) -> None: ...


async def play(
    sender: Sender,
    recording: Recording,
    *,
    start: float | None = None,
    sent: Callable[[int, float], None] | None = None,
) -> None:
    """Send `recording` round and round until cancelled. `start`: the monotonic time of its first picture.

    `sent(number, at)` is told each picture's number, counted on over the loops, and when it was sent. A
    sender that was late catches up without dropping, like a camera whose packets wait in the kernel.
    """
    begun = time.monotonic() if start is None else start
    turn, pictures = 0, 0
    while True:
        offset = turn * recording.seconds
        for sample in recording.samples:
            due = begun + offset + sample.at
            wait = due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            sender.send(_frame(sample, offset, due))
            if sample.codec.kind is Kind.VIDEO:
                if sent is not None:
                    sent(pictures, time.monotonic())
                pictures += 1
        turn += 1


def _frame(sample: Sample, offset: float, due: float) -> Frame:
    rate = VIDEO_RATE if sample.codec.kind is Kind.VIDEO else AUDIO_RATE
    return Frame(sample.codec, sample.data, round((offset + sample.at) * rate), due, sample.keyframe)
