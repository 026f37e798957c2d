"""(P) What each role sees of the show: the state and the welcome, as docs/protocol.md, section 5, has them.

The state's text is built once for each role and broadcast, and each client's `you` is put at its end, so that
a thousand viewers cost one serialisation.
"""

import json
from collections.abc import Iterable
from typing import Any

from signaling.event import Event, Person, Role
from signaling.roster import Seat
from signaling.rundown import Item
from signaling.state import State

BACKSTAGE = (Role.PRODUCER, Role.SPEAKER)  # who sees how the others are


def dump(message: dict[str, Any]) -> str:
    """A message as the text that travels."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def millis(seconds: float | None) -> int | None:
    """Unix seconds as epoch milliseconds."""
    return None if seconds is None else round(seconds * 1000)


def welcome(person: Person | None, event: Event, version: str, started: float, now: float) -> str:
    """The answer to hello; `person` None is an anonymous viewer. Times in Unix seconds."""
    you = {
        "id": person.id if person else "",
        "name": person.name if person else "",
        "role": person.role if person else Role.VIEWER,
    }
    server = {"version": version, "started": millis(started)}
    return dump({"type": "welcome", "you": you, "now": millis(now), "event": _event(event), "server": server})


class StateTexts:
    """The texts of one state at one moment; build a new one for each broadcast."""

    def __init__(self, state: State, now: float) -> None:
        self._state = state
        self._now = now
        self._common: dict[str, str] = {}
        self._anonymous: str | None = None

    def text(self, person: Person | None) -> str:
        """The whole message for this person; None is an anonymous viewer."""
        if person is None:
            if self._anonymous is None:
                self._anonymous = self._build(None, Role.VIEWER)
            return self._anonymous
        return self._build(person, person.role)

    def _build(self, person: Person | None, role: str) -> str:
        common = self._common.get(role)
        if common is None:
            common = self._common[role] = dump(common_state(self._state, role, self._now))[:-1]
        return f'{common},"you":{dump(you(self._state, person))}}}'


def common_state(state: State, role: str, now: float) -> dict[str, Any]:
    """Everything but `you`, as this role sees it."""
    view = {
        "type": "state",
        "revision": state.revision,
        "now": millis(now),
        "event": _event(state.event),
        "phase": state.rundown.phase,
        "air": _air(state),
        "standby": state.rundown.standby,
        "hand_off": _hand_off(state),
        "talks": [_talk(state, item) for item in state.rundown],
        "people": _people(state, role),
        "audience": {"viewers": state.viewers, "screens": state.screens},
    }
    if role == Role.PRODUCER:
        problem = state.problem
        view["problem"] = problem and {
            "code": problem.code,
            "message": problem.message,
            "at": millis(problem.at),
        }
    return view


def you(state: State, person: Person | None) -> dict[str, Any]:
    """The receiver's own part: a speaker's state, and the talk that they give now or next."""
    if person is None:
        return {"id": "", "role": Role.VIEWER, "state": None, "talk": None}
    speaker = person.role == Role.SPEAKER
    return {
        "id": person.id,
        "role": person.role,
        "state": state.person_state(person.id) if speaker else None,
        "talk": _own_talk(state, person.id) if speaker else None,
    }


def _own_talk(state: State, person_id: str) -> str | None:
    own = [item for item in state.rundown if person_id in item.talk.speakers]
    first = (state.floor.air.talk, state.floor.air.held, state.rundown.standby)
    staged = [item for talk_id in first for item in own if item.talk.id == talk_id]
    planned = [item for item in own if not state.rundown.is_over(item)]
    item = next(iter((*staged, *planned)), None)
    return item.talk.id if item else None


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "name": event.name,
        "subtitle": event.subtitle,
        "place": event.place,
        "timezone": event.timezone,
        "start": millis(event.start),
        "end": millis(event.end),
    }


def _air(state: State) -> dict[str, Any]:
    air = state.floor.air
    return {
        "kind": "slate" if air.talk is None else "talk",
        "talk": air.talk,
        "since": millis(air.since),
        "layout": "slate" if air.talk is None else air.layout,
        "slate": {
            "title": air.slate.title,
            "message": air.slate.message,
            "until": millis(air.slate.until),
        },
        "held": air.held,
        "returns": air.returns,
    }


def _hand_off(state: State) -> dict[str, Any] | None:
    running = state.hand_off
    if running is None:
        return None
    return {"target": running.target, "phase": running.phase, "by": running.order.by}


def _talk(state: State, item: Item) -> dict[str, Any]:
    return {
        "id": item.talk.id,
        "title": item.talk.title,
        "speakers": list(item.talk.speakers),
        "layout": item.talk.layout,
        "state": state.rundown.state(item),
        "start": millis(item.start),
        "minutes": item.talk.minutes,
        "started": millis(item.started),
        "ended": millis(item.ended),
    }


def _people(state: State, role: str) -> list[dict[str, Any]]:
    seats: Iterable[Seat] = state.roster.seats.values()
    if role in BACKSTAGE:
        return [_person(seat.person) | _backstage(state, seat) for seat in seats]
    return [_person(seat.person) for seat in seats if seat.person.role == Role.SPEAKER]


def _person(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "role": person.role,
        "title": person.title,
        "organisation": person.organisation,
        "place": person.place,
    }


def _backstage(state: State, seat: Seat) -> dict[str, Any]:
    return {
        "state": state.person_state(seat.person.id),
        "connected": seat.connected,
        "feeds": list(seat.feeds),
    }
