"""Nights: hours in which nothing but a slate was on air leave the disk, journalled before it is done.

The programme is recorded around the clock. What of it shows no talk, and is older than players can rewind, is
of no use to anybody. What was on air again goes as well: its recordings are elsewhere.
"""

import asyncio
import logging
import time
from pathlib import Path

from broadcast.config import Config
from broadcast.keeper import hourly
from broadcast.outputs.hls.cmaf import VIDEO_SCALE
from broadcast.outputs.hls.origin import Origin
from broadcast.outputs.hls.store import Reel, Session, sessions
from broadcast.outputs.recording.retention import Stretch, idle
from signaling.desk import Desk
from signaling.event import AGAIN

SLACK = 600.0  # seconds beyond the window that stay: a player may be just there

log = logging.getLogger("pavilion.keeper")


class Nights:
    """`await run()` until it is cancelled."""

    def __init__(self, config: Config, data: Path, origin: Origin, desk: Desk) -> None:
        self._seconds = config.recording.slate_hours * 3600
        self._window = config.hls.window_minutes * 60 + SLACK
        self._event = config.event.id
        self._data = data
        self._origin = origin
        self._desk = desk

    async def run(self) -> None:
        """Look once an hour, where there is a rule."""
        if self._seconds:
            await hourly(lambda: self.look(time.time()))

    async def look(self, now: float) -> None:
        """Erase what is to go at `now` (Unix seconds)."""
        talks = [
            (each["start"] / 1000, now if each["end"] is None else each["end"] / 1000)
            for each in self._desk.chapters()["chapters"]
            if not each["talk"].startswith(AGAIN)
        ]
        for session in await asyncio.to_thread(sessions, self._data):
            if session.event == self._event:
                for name in await asyncio.to_thread(session.renditions):
                    await self._trim(session, name, talks, now)

    async def _trim(self, session: Session, name: str, talks: list[tuple[float, float]], now: float) -> None:
        reel = session.reel(name)
        # What was before the journal began may have been talks that it does not know.
        since, until = self._desk.since, now - self._seconds
        gone = await asyncio.to_thread(lambda: idle(_stretches(reel), talks, self._window, since, until))
        if not gone:
            return
        told = f"{session.id}/{name}: {sum(each.end - each.start for each in gone) / 3600:.1f} hours of slate"
        log.info("%s are erased", told)
        self._desk.erasing(told, sum(each.size for each in gone))
        numbers = {each.msn for each in gone}
        if not self._origin.trim(session.id, name, numbers):
            try:
                await asyncio.to_thread(reel.trim, numbers)
            except OSError as error:
                log.error("%s cannot be erased: %s", told, error.strerror)


def _stretches(reel: Reel) -> list[Stretch]:
    return [
        Stretch(each.msn, each.wall / 1000, each.wall / 1000 + each.duration / VIDEO_SCALE, each.size)
        for each in reel.segments()
    ]
