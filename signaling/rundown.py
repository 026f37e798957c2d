"""(P) The rundown: the order of the show, what is live and next, planned and real times.

What is live and what is on standby are two names, not marks on the talks, so that two talks can never be live
at once. A `Rundown` is a value: each change returns a new one.
"""

from collections.abc import Iterator
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

    `mark` is what the talk is when it is neither live nor on standby: planned, done or skipped.
    """

    talk: Talk
    start: float
    mark: TalkState = TalkState.PLANNED
    started: float | None = None
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Rundown:
    """`held` is the talk that was interrupted and is not over."""

    items: tuple[Item, ...]
    live: str | None = None
    standby: str | None = None
    held: str | None = None

    @classmethod
    def of(cls, event: Event) -> "Rundown":
        """The plan, nothing done yet. A talk without a start begins when the one before should end."""
        items: list[Item] = []
        at = event.start
        for talk in event.talks:
            start = at if talk.start is None else talk.start
            items.append(Item(talk, start))
            at = start + talk.minutes * 60
        return cls(tuple(items))

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

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

    @property
    def phase(self) -> Phase:
        if self.live is None and self.items and all(self.is_over(item) for item in self.items):
            return Phase.OVER
        return Phase.LIVE if any(item.started is not None for item in self.items) else Phase.BEFORE

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


def _step(item: Item, live: str | None, over: set[str | None], at: float) -> Item:
    if item.talk.id in over:
        return replace(item, mark=TalkState.DONE, ended=at)
    if item.talk.id != live:
        return item
    started = at if item.started is None else item.started
    return replace(item, mark=TalkState.PLANNED, started=started, ended=None)
