"""Re-air, the media side: makes clips of the recordings that a re-air needs, and says that they are ready.

What is played when is for the desk's machine (`signaling/again.py`). A clip is a recording with its pictures
untouched and its sound as Opus, made once by a process of low priority and kept.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from broadcast.clips import Clips
from broadcast.errors import MediaError, RequestError
from broadcast.shelf import SETTLED, Recording, Shelf
from signaling.again import WHOLE, Piece, talk_of
from signaling.desk import Desk
from signaling.event import Plan
from signaling.plans import plan_of

EVERY = 2.0  # seconds
AHEAD = 900.0  # seconds before its hour at which a re-air is made ready
RETRY = 60.0  # seconds until what could not be made is tried again: the disk may have room by then
TITLE = 120  # characters

log = logging.getLogger("pavilion.reair")


class Reairs:
    """`await run()` until it is cancelled. `in_use`: whether a feed is on air or on standby."""

    def __init__(self, desk: Desk, shelf: Shelf, clips: Clips, in_use: Callable[[str], bool]) -> None:
        self._desk = desk
        self._shelf = shelf
        self._clips = clips
        self._in_use = in_use
        self._made: set[str] = set()  # clips that can be played
        self._failed: dict[str, float] = {}  # clips that could not be made, and when to try again (monotonic)
        self._told: dict[str, tuple[Piece, ...]] = {}
        self._done: dict[str, list[dict[str, Any]]] = {}  # plans of which all is made, and of which chapters

    async def run(self) -> None:
        """Look, make what is wanted, and look again."""
        while True:
            try:
                await self.look()
            except OSError as error:
                log.error("the recordings cannot be read: %s", error)
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Make what is wanted now, and let go of what no plan wants any more."""
        plans = self._desk.plans()
        self._let_go({plan.id for plan in plans})
        for plan in plans:
            if self._wanted(plan):
                await self._prepare(plan)

    def _let_go(self, plans: set[str]) -> None:
        for name in [name for name in self._made if plan_of(name) not in plans]:
            if not self._in_use(f"clip.{name}"):
                self._made.remove(name)
                self._clips.remove(name)
        for plan in self._told.keys() - plans:
            del self._told[plan]
            self._desk.can_play(plan, ())
        self._done = {plan: chapters for plan, chapters in self._done.items() if plan in plans}
        self._failed = {name: again for name, again in self._failed.items() if plan_of(name) in plans}

    def _wanted(self, plan: Plan) -> bool:
        """Whether there may be something to do. A loop takes in what has been on air since; what has an hour
        is made ready once, before it."""
        if plan.loop or plan.id not in self._told:
            due = plan.loop or (plan.at is not None and time.time() >= plan.at - AHEAD)
            return due and self._done.get(plan.id) != self._shelf.over()
        return plan.id not in self._done

    async def _prepare(self, plan: Plan) -> None:
        over, pieces, whole = self._shelf.over(), [], True
        for recording in await self._shelf.recordings():
            if not recording.talk or plan.what not in (WHOLE, recording.talk):
                continue
            if recording.end > time.time() - SETTLED:
                return  # the last one is not whole yet
            if recording.job is None:
                continue
            if not await self._clip(plan, recording):
                whole = False
                continue
            title = ": ".join(filter(None, (", ".join(recording.speakers), recording.title)))
            minutes = max(0.05, (recording.job.end - recording.job.begin) / 60)
            pieces.append(Piece(recording.id, title[:TITLE], round(minutes, 3)))
        if pieces and self._told.get(plan.id) != tuple(pieces):
            self._told[plan.id] = tuple(pieces)
            self._desk.can_play(plan.id, pieces)
            log.info("re-air %s is ready: %s", plan.id, ", ".join(piece.title for piece in pieces))
        if whole:
            self._done[plan.id] = over

    async def _clip(self, plan: Plan, recording: Recording) -> bool:
        """Whether this recording can be played by this plan; it is made ready if it is not."""
        name = talk_of(plan.id, recording.id)
        if name in self._made:
            return True
        if time.monotonic() < self._failed.get(name, 0.0):
            return False
        try:
            await self._clips.prepare(name, await self._file(recording), own=True)
        except (MediaError, RequestError) as error:
            log.error("%s cannot be on air again, for now: %s", recording.title, error)
            self._failed[name] = time.monotonic() + RETRY
            return False
        self._made.add(name)
        return True

    async def _file(self, recording: Recording) -> Path:
        """The recording's MP4. Raises MediaError, RequestError."""
        assert recording.job is not None, "the caller has looked"
        downloads, asked = self._shelf.downloads, (recording.id, recording.job)
        state = await downloads.ask(*asked)
        while state == "making":
            await asyncio.sleep(EVERY / 4)
            state = await asyncio.to_thread(downloads.state, *asked)
        if state != "ready":
            raise MediaError("its file cannot be made")
        return downloads.path(*asked)
