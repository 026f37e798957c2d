"""(P) The rundown: the order of the show, what is live and next, planned and real times.

What is live and what is on standby are two names, not marks on the talks, so that two talks can never be live
at once. A `Rundown` is a value: each change returns a new one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from signaling.event import Event, Talk


class TalkState(StrEnum):
    """The states of a talk, as everybody sees them."""

    PLANNED = "planned"
    STANDBY = "standby"
    LIVE = "live"
    DONE = "done"
    SKIPPED = "skipped"


class Phase(StrEnum):
    """How far the show is: before the first take, after it, and when every talk is done or skipped."""

    BEFORE = "before"
    LIVE = "live"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Item:
    """One talk of the rundown. `start` is planned, `started` and `ended` are real; all in Unix seconds.

    `mark` is what the talk is when it is neither live nor on standby: planned, done or skipped. `extended`
    are the minutes that it was given on top of those planned.
    """

    talk: Talk
    start: float
    mark: TalkState = TalkState.PLANNED
    started: float | None = None
    ended: float | None = None
    extended: float = 0.0

    @property
    def minutes(self) -> float:
        """Its length with what it was given."""
        return self.talk.minutes + self.extended

    @property
    def planned_end(self) -> float:
        """Unix seconds; an extension is not planned, it is lateness."""
        return self.start + self.talk.minutes * 60


@dataclass(frozen=True, slots=True)
class Rundown:
    """`held` is the talk that was interrupted and is not over; `begin` the event's start, Unix seconds."""

    items: tuple[Item, ...]
    begin: float
    live: str | None = None
    standby: str | None = None
    held: str | None = None

    @classmethod
    def of(cls, event: Event) -> "Rundown":
        """The plan, nothing done yet. A talk without a start begins when the one before should end."""
        items = [Item(talk, event.start) for talk in event.talks]
        return cls(_timed(items, event.start), event.start)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def item(self, talk_id: str) -> Item | None:
        return next((item for item in self.items if item.talk.id == talk_id), None)

    def talk(self, talk_id: str | None) -> Talk | None:
        item = self.item(talk_id) if talk_id is not None else None
        return item.talk if item else None

    def state(self, item: Item) -> TalkState:
        """What the talk is now."""
        if item.talk.id == self.live:
            return TalkState.LIVE
        return TalkState.STANDBY if item.talk.id == self.standby else item.mark

    def is_over(self, item: Item) -> bool:
        """Whether the talk is done or skipped, on standby again or not."""
        return item.talk.id != self.live and item.mark in (TalkState.DONE, TalkState.SKIPPED)

    def after(self, talk_id: str) -> Item | None:
        """The next talk in the order that is not over and not held."""
        ids = [item.talk.id for item in self.items]
        later = self.items[ids.index(talk_id) + 1 :] if talk_id in ids else ()
        return next((item for item in later if not self.is_over(item) and item.talk.id != self.held), None)

    @property
    def phase(self) -> Phase:
        if self.live is None and self.items and all(self.is_over(item) for item in self.items):
            return Phase.OVER
        return Phase.LIVE if any(item.started is not None for item in self.items) else Phase.BEFORE

    # ---- what is on air and next

    def cue(self, talk_id: str | None) -> "Rundown":
        """Put a talk on standby, or none. The caller has checked that it is not the live one."""
        assert talk_id is None or talk_id != self.live, "a live talk cannot be next: the desk refuses it"
        return replace(self, standby=talk_id)

    def follow(self, live: str | None, held: str | None, at: float) -> "Rundown":
        """What is on air has changed: note who began, and who is over (Unix seconds `at`)."""
        over = {self.live, self.held} - {live, held, None}
        return replace(
            self,
            items=tuple(_step(item, live, over, at) for item in self.items),
            live=live,
            held=held,
            standby=None if self.standby == live else self.standby,
        )

    # ---- edits: the caller has checked that the talks are there, and may be edited

    def move(self, talk_id: str, before: str | None) -> "Rundown":
        """Put a talk before another, or last; the planned times follow."""
        moved = self.item(talk_id)
        assert moved is not None
        others = [item for item in self.items if item is not moved]
        return self._with_items(_inserted(others, moved, before))

    def add(self, talk: Talk, before: str | None) -> "Rundown":
        """One more talk, before another or last."""
        assert self.item(talk.id) is None, "the desk refuses a second talk with the same id"
        return self._with_items(_inserted(list(self.items), Item(talk, self.begin), before))

    def skip(self, talk_id: str, skipped: bool) -> "Rundown":
        """Leave a talk out, or plan it again. The others stay as planned: the forecast tells what changes."""
        mark = TalkState.SKIPPED if skipped else TalkState.PLANNED
        items = tuple(replace(item, mark=mark) if item.talk.id == talk_id else item for item in self.items)
        standby = None if skipped and self.standby == talk_id else self.standby
        return replace(self, items=items, standby=standby)

    def extend(self, talk_id: str, minutes: float) -> "Rundown":
        """Give a talk so many minutes on top of those planned, all in all."""
        items = (replace(item, extended=minutes) if item.talk.id == talk_id else item for item in self.items)
        return replace(self, items=tuple(items))

    def change(self, talk: Talk) -> "Rundown":
        """The same talk with another title, layout or start of its own."""
        items = (replace(item, talk=talk) if item.talk.id == talk.id else item for item in self.items)
        return self._with_items(items)

    def _with_items(self, items: Iterable[Item]) -> "Rundown":
        return replace(self, items=_timed(items, self.begin))


def planned_end(talks: Iterable[Talk], begin: float) -> float:
    """When the last of these talks is planned to end (Unix seconds); `begin` where there is none."""
    timed = _timed((Item(talk, begin) for talk in talks), begin)
    return max((item.planned_end for item in timed), default=begin)


def _timed(items: Iterable[Item], begin: float) -> tuple[Item, ...]:
    """The items with their planned starts: their own, or when the one before was planned to end."""
    timed: list[Item] = []
    for item in items:
        start = begin if item.talk.start is None else item.talk.start
        timed.append(item if item.start == start else replace(item, start=start))
        begin = timed[-1].planned_end
    return tuple(timed)


def _inserted(items: list[Item], item: Item, before: str | None) -> list[Item]:
    place = next((n for n, other in enumerate(items) if other.talk.id == before), len(items))
    return [*items[:place], item, *items[place:]]


def _step(item: Item, live: str | None, over: set[str | None], at: float) -> Item:
    if item.talk.id in over:
        begun = at if item.started is None else item.started  # the wall clock may have been set back
        return replace(item, mark=TalkState.DONE, ended=max(begun, at))
    if item.talk.id != live:
        return item
    started = at if item.started is None else item.started
    return replace(item, mark=TalkState.PLANNED, started=started, ended=None)
