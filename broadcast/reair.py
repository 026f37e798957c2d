"""Re-air, the media side: makes clips of the recordings that a re-air needs, and says that they are ready.

What is played when is for the desk's machine (`signaling/again.py`). A clip is a recording with its pictures
untouched and its sound as Opus, made once by a process of low priority and kept.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from broadcast.errors import MediaError, RequestError
from broadcast.feeds.clip import ClipFeed
from broadcast.shelf import Recording, Shelf
from signaling.again import Piece, talk_of
from signaling.desk import Desk
from signaling.event import Plan

EVERY = 2.0  # seconds
AHEAD = 900.0  # seconds before its hour at which a re-air is made ready
SETTLED = 5.0  # seconds after its end, a talk's last segment is on disk
TITLE = 120  # characters

log = logging.getLogger("pavilion.reair")


class Reairs:
    """`await run()` until it is cancelled. `add_clip` gets each clip once it is prepared."""

    def __init__(
        self, desk: Desk, shelf: Shelf, cache: Path, add_clip: Callable[[str, ClipFeed], None]
    ) -> None:
        self._desk = desk
        self._shelf = shelf
        self._cache = cache
        self._add_clip = add_clip
        self._clips: set[str] = set()  # those that can be played
        self._broken: set[str] = set()
        self._told: dict[str, tuple[Piece, ...]] = {}

    async def run(self) -> None:
        """Look, make what is wanted, and look again."""
        while True:
            for plan in self._desk.plans():
                if self._wanted(plan):
                    await self._prepare(plan)
            await asyncio.sleep(EVERY)

    def _wanted(self, plan: Plan) -> bool:
        """Whether there may be something to do; what has an hour is made ready once, before it."""
        if plan.loop:
            return True
        return plan.id not in self._told and plan.at is not None and time.time() >= plan.at - AHEAD

    async def _prepare(self, plan: Plan) -> None:
        pieces = []
        for recording in await self._shelf.recordings():
            if not recording.talk or plan.what not in ("event", recording.talk):
                continue
            if recording.end > time.time() - SETTLED:
                return  # the last one is not whole yet
            if recording.job is not None and await self._clip(plan, recording):
                title = ": ".join(filter(None, (", ".join(recording.speakers), recording.title)))
                minutes = max(0.05, (recording.job.end - recording.job.begin) / 60)
                pieces.append(Piece(recording.id, title[:TITLE], round(minutes, 3)))
        if pieces and self._told.get(plan.id) != tuple(pieces):
            self._told[plan.id] = tuple(pieces)
            self._desk.can_play(plan.id, pieces)
            log.info("re-air %s is ready: %s", plan.id, ", ".join(piece.title for piece in pieces))

    async def _clip(self, plan: Plan, recording: Recording) -> bool:
        """Whether this recording can be played by this plan; it is made ready if it is not."""
        name = talk_of(plan.id, recording.id)
        if name in self._clips:
            return True
        if name in self._broken:
            return False
        try:
            path = await self._file(recording)
            feed = ClipFeed(f"clip.{name}", path, loop=False, cache_dir=self._cache, own=True)
            await feed.prepare()
        except (MediaError, RequestError) as error:
            log.error("%s cannot be on air again: %s", recording.title, error)
            self._broken.add(name)
            return False
        self._clips.add(name)
        self._add_clip(name, feed)
        return True

    async def _file(self, recording: Recording) -> Path:
        """The recording's MP4. Raises MediaError, RequestError."""
        assert recording.job is not None, "the caller has looked"
        downloads = self._shelf.downloads
        while (state := downloads.ask(recording.id, recording.job)) != "ready":
            await asyncio.sleep(EVERY / 4)
            if downloads.state(recording.id, recording.job) == "failed":
                raise MediaError(f"its file {state} no longer")
        return downloads.path(recording.id, recording.job)
