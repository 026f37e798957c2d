"""(P) When what is still to come will come: planned against real times, and the end of the show."""

from collections.abc import Mapping
from dataclasses import dataclass

from signaling.rundown import Item, Phase, Rundown, TalkState


@dataclass(frozen=True, slots=True)
class Forecast:
    """All in Unix seconds: when each talk to come will begin, and the show will end; `behind` in seconds."""

    expected: Mapping[str, float]
    end: float
    behind: float


def forecast(rundown: Rundown, now: float, pause: float | None) -> Forecast:
    """Each talk begins when the one before it ends, but not before a start of its own; nothing before `now`.

    `pause`: the slate on air says that it goes on then. A talk that overruns ends now, for all one knows.
    """
    at = max(now, rundown.begin) if rundown.phase is Phase.BEFORE else now
    expected: dict[str, float] = {}
    on = rundown.item(rundown.live or rundown.held or "")
    if rundown.live is None and pause is not None:
        at = max(at, pause)
    if on is not None:
        at = max(at, ends(on))
    for item in _to_come(rundown):
        start = at if item.talk.start is None else max(at, item.talk.start)
        expected[item.talk.id] = start
        at = start + item.minutes * 60
    if on is None and not expected:
        at = max((item.ended for item in rundown if item.ended is not None), default=at)
    planned = rundown.items[-1].planned_end if rundown.items else rundown.begin
    return Forecast(expected, at, at - planned)


def ends(item: Item) -> float:
    """When a talk that has begun should end, by its own length."""
    assert item.started is not None, "what is on air or held has begun"
    return item.started + item.minutes * 60


def _to_come(rundown: Rundown) -> list[Item]:
    """Who is to come, in the order to expect: standby, then those after the one on air, then those before."""
    on = rundown.live or rundown.held
    waiting = [
        item
        for item in rundown
        if item.talk.id != on and (item.mark is TalkState.PLANNED or item.talk.id == rundown.standby)
    ]
    ids = [item.talk.id for item in rundown]
    here = ids.index(on) if on is not None else _last_begun(rundown)
    later = set(ids[here + 1 :])
    return sorted(waiting, key=lambda item: (item.talk.id != rundown.standby, item.talk.id not in later))


def _last_begun(rundown: Rundown) -> int:
    """The place of the talk that ended last; -1 before the first."""
    ended = [(item.ended, place) for place, item in enumerate(rundown) if item.ended is not None]
    return max(ended)[1] if ended else -1
