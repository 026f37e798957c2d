"""(P) What each role sees of the show: the state and the welcome, as docs/protocol.md, section 5, has them.

The state's text is built once for each role and broadcast, and each client's `you` is put at its end, so that
a thousand viewers cost one serialisation.
"""

import json
import math
from collections.abc import Iterable
from typing import Any

from signaling.backstage import Move, TextCue
from signaling.event import Event, Person, Role, Target
from signaling.forecast import Forecast, ends, forecast
from signaling.plans import MACHINE
from signaling.roster import Seat
from signaling.rundown import Item
from signaling.state import State
from signaling.succession import next_by_itself

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
        self._forecast = forecast_of(state, now)
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
        return f'{common},"you":{dump(you(self._state, person, self._forecast, self._now))}}}'


def common_state(state: State, role: str, now: float) -> dict[str, Any]:
    """Everything but `you`, as this role sees it."""
    ahead, following = forecast_of(state, now), next_by_itself(state)
    view = {
        "type": "state",
        "revision": state.revision,
        "now": millis(now),
        "event": _event(state.event),
        "phase": state.rundown.phase,
        "air": _air(state),
        "standby": state.rundown.standby,
        "follows": None if following is None else following.id,
        "hand_off": _hand_off(state),
        "talks": [_talk(state, item, role, ahead) for item in state.rundown],
        "forecast": {
            "end": _told(ahead.end, role),
            "behind": millis(ahead.behind if role in BACKSTAGE else 60 * round(ahead.behind / 60)),
        },
        "people": _people(state, role),
        "audience": {"viewers": state.viewers, "screens": state.screens},
    }
    return view | _for_producers(state) if role == Role.PRODUCER else view


def forecast_of(state: State, now: float) -> Forecast:
    """What is still to come, as far as one can tell at `now` (Unix seconds)."""
    return forecast(state.rundown, now, state.floor.air.slate.until)


def _told(at: float | None, role: str) -> int | None:
    """A time of the forecast: the audience gets whole minutes, lest it be told something new each second."""
    return millis(at if role in BACKSTAGE or at is None else 60 * math.ceil(at / 60))


def _for_producers(state: State) -> dict[str, Any]:
    problem, backstage = state.problem, state.backstage
    return {
        "problem": problem and {"code": problem.code, "message": problem.message, "at": millis(problem.at)},
        "messages": [_text_cue(state, cue) for cue in backstage.texts],
        "talkback": [{"by": producer, "to": list(to)} for producer, to in backstage.talkback.items()],
        "moves": [_move(state, move) for move in backstage.moves],
        "targets": [_target(target) for target in state.targets],
        "reairs": [
            {
                "id": plan.id,
                "what": plan.what,
                "at": millis(plan.at),
                "loop": plan.loop,
                "stopped": plan.stopped,
            }
            for plan in state.plans
        ],
    }


def _target(target: Target) -> dict[str, Any]:
    """Without its secrets: `address` is masked."""
    names = ("id", "name", "address", "on", "fixed")
    return {name: getattr(target, name) for name in names}


def _text_cue(state: State, cue: TextCue) -> dict[str, Any]:
    return {
        "id": cue.id,
        "by": _name(state, cue.person),
        "to": list(cue.to),
        "text": cue.text,
        "at": millis(cue.at),
        "acks": {person: millis(at) for person, at in cue.acks.items()},
    }


def _move(state: State, move: Move) -> dict[str, Any]:
    return {
        "at": millis(move.at),
        "by": _name(state, move.person),
        "person": move.person,
        "do": move.do,
        "talk": move.talk,
        "who": move.who,
    }


def _name(state: State, person_id: str) -> str:
    person = MACHINE if person_id == MACHINE.id else state.event.person(person_id)
    return person.name if person is not None else ""


def you(state: State, person: Person | None, ahead: Forecast, now: float) -> dict[str, Any]:
    """The receiver's own part: a speaker's state, the talk that they give now or next, and words to them."""
    if person is None or person.role != Role.SPEAKER:
        me = (person.id, person.role) if person is not None else ("", Role.VIEWER)
        return dict.fromkeys(_YOURS) | {"id": me[0], "role": me[1]}
    talk = _own_talk(state, person.id)
    at = None if talk is None or talk == state.floor.air.talk else ahead.expected.get(talk)
    return {
        "id": person.id,
        "role": person.role,
        "state": state.person_state(person.id),
        "ready": state.roster.seats[person.id].ready,
        "talk": talk,
        "next_at": millis(at),
        "next_in": None if at is None else millis(max(0.0, at - now)),
        "messages": [
            {
                "id": cue.id,
                "by": _name(state, cue.person),
                "text": cue.text,
                "at": millis(cue.at),
                "acked": millis(cue.acks.get(person.id)),
            }
            for cue in state.backstage.texts_to(person.id)
        ],
        "talkback": [_name(state, producer) for producer in state.backstage.voices_to(person.id)],
        "level": _level(state.roster.seats[person.id]),
    }


_YOURS = ("id", "role", "state", "ready", "talk", "next_at", "next_in", "messages", "talkback", "level")


def _level(seat: Seat) -> dict[str, Any]:
    return {"gain_db": seat.gain_db, "muted": seat.muted}


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
    on = state.rundown.item(air.talk) if air.talk is not None else None
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
        "ends": millis(ends(on)) if on is not None else None,
        "lost": list(air.lost),
        "held": air.held,
        "returns": air.returns,
    }


def _hand_off(state: State) -> dict[str, Any] | None:
    running = state.hand_off
    if running is None:
        return None
    return {"target": running.target, "phase": running.phase, "by": running.order.by}


def _talk(state: State, item: Item, role: str, ahead: Forecast) -> dict[str, Any]:
    talk = {
        "id": item.talk.id,
        "title": item.talk.title,
        "speakers": list(item.talk.speakers),
        "layout": item.talk.layout,
        "state": state.rundown.state(item),
        "start": millis(item.start),
        "minutes": item.minutes,
        "extended": item.extended,
        "started": millis(item.started),
        "ended": millis(item.ended),
        "expected": _told(ahead.expected.get(item.talk.id), role),
        "automatic": item.talk.automatic,
        "clip": item.talk.clip,
    }
    if role == Role.PRODUCER:
        talk |= {"fixed": item.talk.start is not None, "feeds": list(state.pictures(item.talk))}
    return talk


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
        "ready": seat.ready,
        "connected": seat.connected,
        "feeds": list(seat.feeds),
        "level": _level(seat),
        "removed": seat.removed,
    }
