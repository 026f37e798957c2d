"""(P) Backstage commands: levels, talkback, text cues, and who is out; what each leads to, or its refusal."""

from signaling.event import Person, Role
from signaling.facts import (
    Acknowledged,
    Admitted,
    Fact,
    Levelled,
    Readied,
    Removed,
    Spoke,
    Texted,
)
from signaling.orders import Acknowledge, Ready, SendText, SetLevel, TalkBack
from signaling.refusal import Refused
from signaling.roster import Seat
from signaling.rules import speaker
from signaling.state import State


def decide_ready(state: State, command: Ready, who: str) -> list[Fact]:
    """This speaker is ready, or no longer is."""
    seat = speaker(state, who)
    return [] if seat.ready == command.ready else [Readied(who, command.ready)]


def decide_level(state: State, command: SetLevel) -> list[Fact]:
    """How loud a speaker is on air."""
    seat = speaker(state, command.person)
    gain = seat.gain_db if command.gain_db is None else command.gain_db
    muted = seat.muted if command.muted is None else command.muted
    return [] if (gain, muted) == (seat.gain_db, seat.muted) else [Levelled(command.person, gain, muted)]


def decide_talkback(state: State, person: Person, command: TalkBack) -> list[Fact]:
    """Into whose ears a producer speaks."""
    to = _speakers(state) if command.on and command.to is None else command.to or ()
    for person_id in to:
        speaker(state, person_id)
    return [] if state.backstage.talkback.get(person.id, ()) == to else [Spoke(person.id, to)]


def decide_text(state: State, person: Person, command: SendText) -> list[Fact]:
    """A text cue to some speakers."""
    if isinstance(command.to, tuple):
        to = tuple(speaker(state, person_id).person.id for person_id in command.to)
    elif command.to == "all":
        to = _speakers(state)
    else:
        to = tuple(dict.fromkeys(each for talk in state.staged for each in talk.speakers))
    if not to:
        raise Refused("nobody_there", "Nobody is on air or on standby.")
    return [Texted(state.next_token, person.id, to, command.text)]


def decide_acknowledge(state: State, person: Person, command: Acknowledge) -> list[Fact]:
    """A speaker has read a text cue."""
    cue = state.backstage.text(command.message)
    if cue is None or person.id not in cue.to:
        raise Refused("unknown_message", "There is no such message to you.", cue=command.message)
    return [] if person.id in cue.acks else [Acknowledged(cue.id, person.id)]


def decide_remove(state: State, person_id: str) -> list[Fact]:
    """Out with a speaker or a screen."""
    return [] if _removable(state, person_id).removed else [Removed(person_id)]


def decide_admit(state: State, person_id: str) -> list[Fact]:
    """They may come again."""
    return [Admitted(person_id)] if _removable(state, person_id).removed else []


def _removable(state: State, person_id: str) -> Seat:
    seat = state.roster.seat(person_id)
    if seat is None:
        raise Refused("unknown_person", f"There is nobody {person_id!r} to remove.", person=person_id)
    if seat.person.role == Role.PRODUCER:
        raise Refused("role_forbidden", "Producers cannot be removed.")
    return seat


def _speakers(state: State) -> tuple[str, ...]:
    return tuple(key for key, seat in state.roster.seats.items() if seat.person.role == Role.SPEAKER)
