"""(P) What each command leads to: facts, or a refusal that changes nothing.

`decide` is the whole rule book of the stage: who may ask for what, and when. Edits of the rundown are in
`editing.py`, what stays backstage in `cueing.py`.
"""

from dataclasses import replace

from signaling.again import decide_cancel, decide_reair
from signaling.aiming import decide_target
from signaling.cueing import (
    decide_acknowledge,
    decide_admit,
    decide_level,
    decide_ready,
    decide_remove,
    decide_talkback,
    decide_text,
)
from signaling.editing import decide_edit
from signaling.event import Person, Role, Sight, Talk
from signaling.facts import Aborted, Began, Cued, Fact, Rescened
from signaling.orders import (
    Acknowledge,
    Admit,
    Aim,
    CancelReair,
    Command,
    Cue,
    Edit,
    PassFloor,
    Ready,
    Reair,
    Remove,
    SendText,
    SetLevel,
    SetScene,
    ShowSlate,
    Take,
    TalkBack,
)
from signaling.plans import plan_of
from signaling.refusal import Refused
from signaling.rules import fresh, idle, item_of, require
from signaling.state import State
from signaling.succession import next_by_itself, people_fit


def decide(state: State, sight: Sight, person: Person, command: Command) -> list[Fact]:
    """The facts that this command leads to at once; none where all is as wished already. Raises Refused."""
    seat = state.roster.seat(person.id)
    if seat is not None and seat.removed:
        raise Refused("removed", "A producer has removed you.")
    match command:
        case Ready():
            return _ready(state, person, command)
        case PassFloor():
            require(person, Role.SPEAKER)
            return _pass_floor(state, sight, person, command)
        case Acknowledge():
            require(person, Role.SPEAKER)
            fresh(state, command)
            return decide_acknowledge(state, person, command)
    require(person, Role.PRODUCER)
    fresh(state, command)
    match command:
        case Cue():
            return _cue(state, command)
        case Take():
            return _take(state, sight, person, command)
        case ShowSlate():
            return _slate(state, person, command)
        case SetScene():
            return _scene(state, command)
        case Edit():
            return decide_edit(state, person, command)
        case Aim():
            return decide_target(state, sight, command)
        case Reair():
            return decide_reair(state, command)
        case CancelReair():
            return decide_cancel(state, command)
    return _backstage(state, person, command)


def _backstage(state: State, person: Person, command: Command) -> list[Fact]:
    match command:
        case SetLevel():
            return decide_level(state, command)
        case TalkBack():
            return decide_talkback(state, person, command)
        case SendText():
            return decide_text(state, person, command)
        case Remove(person=who):
            return decide_remove(state, who)
        case Admit(person=who):
            return decide_admit(state, who)
    raise Refused("unknown_type", "There is no such command.")


def _on_stage(state: State, talk_id: str, force: bool) -> Talk:
    """The talk, if it may still be put on stage."""
    item = item_of(state, talk_id)
    if state.floor.air.talk == talk_id:
        raise Refused("already_on_air", f"{item.talk.title} is on air already.", talk=talk_id)
    if state.rundown.is_over(item) and not force:
        raise Refused("talk_over", f"{item.talk.title} is over; force brings it back.", talk=talk_id)
    return item.talk


def _ready(state: State, person: Person, command: Ready) -> list[Fact]:
    if person.role not in (Role.SPEAKER, Role.PRODUCER):
        raise Refused("role_forbidden", "Only speakers and producers may do this.")
    who = command.person if command.person is not None else person.id
    if person.role != Role.PRODUCER and who != person.id:
        raise Refused("role_forbidden", "Only a producer may say this for somebody else.")
    fresh(state, command)
    return decide_ready(state, command, who)


def _cue(state: State, command: Cue) -> list[Fact]:
    if command.talk is not None:
        _on_stage(state, command.talk, command.force)
    idle(state)
    return [] if state.rundown.standby == command.talk else [Cued(command.talk)]


def _take(state: State, sight: Sight, person: Person, command: Take) -> list[Fact]:
    talk_id = command.talk if command.talk is not None else state.rundown.standby
    if talk_id is None:
        raise Refused("nothing_on_standby", "No talk is on standby; cue one first.")
    talk = _on_stage(state, talk_id, command.force)
    idle(state)
    if not sight.mixer_up():
        raise Refused("mixer_down", "The mixer is starting; try again in a second.")
    if not command.force:
        people_fit(state, talk)
        _pictures_fit(state, sight, talk)
    return [
        Began(
            state.next_token,
            talk.id,
            person.name,
            person.id,
            command.id,
            talk.layout,
            command.transition,
            forced=command.force,
        )
    ]


def _pictures_fit(state: State, sight: Sight, talk: Talk) -> None:
    """What a staged talk shows must be sent now; `prepare` waits for the mixer to see it, and for all of any
    other talk."""
    silent = list(sight.silent(talk)) if talk in state.staged else []
    if silent:
        raise Refused("no_picture", f"No picture from {', '.join(silent)}.", feeds=silent)


def _pass_floor(state: State, sight: Sight, person: Person, command: PassFloor) -> list[Fact]:
    if state.live is None or person.id not in state.live.speakers:
        raise Refused("not_on_air", "You are not on air, so the floor is not yours to pass.")
    fresh(state, command)
    following = next_by_itself(state)
    return _take(state, sight, person, Take(command.id, following.id if following else None))


def _slate(state: State, person: Person, command: ShowSlate) -> list[Fact]:
    """The slate is the emergency brake: it ends a running hand-off to a talk instead of waiting for it, and a
    re-air with what of it is on standby."""
    running, default = state.hand_off, state.floor.default_slate
    facts: list[Fact] = []
    token = state.next_token
    if running is not None:
        if running.order.talk is None:
            idle(state)
        facts.append(
            Aborted(running.order.token, "pre_empted", f"{person.name} put the slate on air instead.")
        )
        token = str(state.revision + 2)
    slate = replace(
        default,
        title=default.title if command.title is None else command.title,
        message=default.message if command.message is None else command.message,
        until=default.until if command.until is None else command.until,
    )
    order = Began(token, None, person.name, person.id, command.id, "slate", slate=slate, hold=command.hold)
    ended = plan_of(state.floor.air.talk or state.floor.air.held)
    left = [Cued(None)] if ended is not None and plan_of(state.rundown.standby) == ended else []
    return [*facts, order, *left]


def _scene(state: State, command: SetScene) -> list[Fact]:
    if state.live is None:
        raise Refused("not_on_air", "No talk is on air; a scene belongs to one.")
    idle(state)
    return [Rescened(state.next_token, command.layout, command.transition)]
