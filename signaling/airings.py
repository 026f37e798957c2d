"""(P) When each talk was really on air: the chapters of the programme, for a timeline and for downloads.

An airing is one stretch of a talk on air. What interrupts it for a moment (its picture failed, a word on the
slate) does not make two chapters of it; another talk in between, or a long pause, does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from signaling.event import AGAIN, Event, Person
from signaling.rundown import Phase, Rundown

PAUSE_SECONDS = 300.0  # a longer interruption begins another chapter
MAX_AIRINGS = 5000  # the oldest are forgotten: a show of a day has some dozens


@dataclass(frozen=True, slots=True)
class Airing:
    """One stretch of a talk on air, in Unix seconds by the programme's date; `end` None: it is on air."""

    talk: str
    start: float
    end: float | None = None


def followed(airings: tuple[Airing, ...], talk: str | None, at: float) -> tuple[Airing, ...]:
    """What was on air until now ends at `at` (Unix seconds), and `talk` begins; None: the slate does."""
    last = airings[-1] if airings else None
    on_air = last is not None and last.end is None
    if last is not None and on_air and last.talk == talk:
        return airings
    if last is not None:
        at = max(at, _end(last))  # the wall clock may have been set back
    if last is not None and on_air:
        airings = (*airings[:-1], replace(last, end=at))
    return airings if talk is None else (*airings[1 - MAX_AIRINGS :], Airing(talk, at))


def chapters(airings: Iterable[Airing]) -> list[Airing]:
    """The airings with short interruptions left out, in the order of time."""
    merged: list[Airing] = []
    for airing in airings:
        last = merged[-1] if merged else None
        if last is not None and last.talk == airing.talk and airing.start - _end(last) <= PAUSE_SECONDS:
            merged[-1] = replace(last, end=airing.end)
        else:
            merged.append(airing)
    return merged


def told(event: Event, rundown: Rundown, airings: Iterable[Airing], now: float) -> dict[str, Any]:
    """The answer of GET /api/chapters (docs/protocol.md, section 7), at `now` in Unix seconds."""
    return {
        "now": _millis(now),
        "state": event_state(rundown),
        "event": {
            "id": event.id,
            "name": event.name,
            "timezone": event.timezone,
            "start": _millis(event.start),
            "end": _millis(event.end),
        },
        "chapters": [
            _chapter(event, rundown, number, airing) for number, airing in enumerate(chapters(airings))
        ],
    }


def event_state(rundown: Rundown) -> str:
    """`soon` before the first talk, then `live`, `break` while the slate is on air, in the end `over`; and
    `replay` while a recording is on air."""
    if rundown.live is not None:
        return "replay" if rundown.live.startswith(AGAIN) else "live"
    return {Phase.BEFORE: "soon", Phase.LIVE: "break", Phase.OVER: "over"}[rundown.phase]


def _chapter(event: Event, rundown: Rundown, number: int, airing: Airing) -> dict[str, Any]:
    talk = rundown.talk(airing.talk)
    people = [event.person(person) for person in talk.speakers] if talk is not None else []
    return {
        "id": f"{number}-{airing.talk}",
        "talk": airing.talk,
        "title": talk.title if talk is not None else airing.talk,
        "speakers": [_speaker(person) for person in people if person is not None],
        "start": _millis(airing.start),
        "end": None if airing.end is None else _millis(airing.end),
    }


def _speaker(person: Person) -> dict[str, str]:
    return {"id": person.id, "name": person.name, "title": person.title, "organisation": person.organisation}


def _end(airing: Airing) -> float:
    return airing.start if airing.end is None else airing.end


def _millis(seconds: float) -> int:
    return round(seconds * 1000)
