"""(P) What each command leads to: facts, or a refusal that changes nothing.

`decide` is the whole rule book of the stage: who may ask for what, and when.
"""

from dataclasses import replace

from signaling.event import Person, Role, Sight, Talk
from signaling.facts import Aborted, Began, Cued, Fact, Readied, Rescened
from signaling.messages import Command, Cue, PassFloor, Ready, SetScene, ShowSlate, Take
from signaling.refusal import Refused
from signaling.rundown import Item
from signaling.state import State


def decide(state: State, sight: Sight, person: Person, command: Command) -> list[Fact]:
    """The facts that this command leads to at once; none where all is as wished already. Raises Refused."""
    match command:
        case Ready():
            return _ready(state, person, command)
        case PassFloor():
            _require(person, Role.SPEAKER)
            return _pass_floor(state, sight, person, command)
    _require(person, Role.PRODUCER)
    _fresh(state, command)
    match command:
        case Cue():
            return _cue(state, command)
        case Take():
            return _take(state, sight, person, command)
        case ShowSlate():
            return _slate(state, person, command)
        case SetScene():
            return _scene(state, command)
    raise Refused("unknown_type", "There is no such command.")


def _require(person: Person, role: Role) -> None:
    if person.role != role:
        raise Refused("role_forbidden", f"Only a {role} may do this.")


def _fresh(state: State, command: Command) -> None:
    """Refuse what was decided before the air or the standby changed, or in another life of the server."""
    seen = command.revision
    if seen is not None and not state.moved <= seen <= state.revision:
        message = "The show has moved on since; look again and repeat it if you still want it."
        raise Refused("stale", message, revision=state.revision)


def _idle(state: State) -> None:
    if state.hand_off is not None:
        target = state.hand_off.target
        raise Refused("hand_off_running", f"A hand-off to {target} is running.", target=target)


def _item(state: State, talk_id: str) -> Item:
    item = state.rundown.item(talk_id)
    if item is None:
        raise Refused("unknown_talk", f"There is no talk {talk_id!r} in the rundown.", talk=talk_id)
    return item


def _on_stage(state: State, talk_id: str, force: bool) -> Talk:
    """The talk, if it may still be put on stage."""
    item = _item(state, talk_id)
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
    _fresh(state, command)
    seat = state.roster.seat(who)
    if seat is None or seat.person.role != Role.SPEAKER:
        raise Refused("unknown_person", f"There is no speaker {who!r}.", person=who)
    return [] if seat.ready == command.ready else [Readied(who, command.ready)]


def _cue(state: State, command: Cue) -> list[Fact]:
    if command.talk is not None:
        _on_stage(state, command.talk, command.force)
    _idle(state)
    return [] if state.rundown.standby == command.talk else [Cued(command.talk)]


def _take(state: State, sight: Sight, person: Person, command: Take) -> list[Fact]:
    talk_id = command.talk if command.talk is not None else state.rundown.standby
    if talk_id is None:
        raise Refused("nothing_on_standby", "No talk is on standby; cue one first.")
    talk = _on_stage(state, talk_id, command.force)
    _idle(state)
    if not sight.mixer_up():
        raise Refused("mixer_down", "The mixer is starting; try again in a second.")
    if not command.force:
        _people_fit(state, talk)
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


def _people_fit(state: State, talk: Talk) -> None:
    seats = [(person_id, state.roster.seat(person_id)) for person_id in talk.speakers]
    away = [person_id for person_id, seat in seats if seat is None or not seat.here]
    if away:
        raise Refused("people_missing", f"Not here: {_names(state, away)}.", people=away)
    unready = [person_id for person_id, seat in seats if seat is None or not seat.ready]
    if unready:
        raise Refused("not_ready", f"Not ready: {_names(state, unready)}.", people=unready)


def _pictures_fit(state: State, sight: Sight, talk: Talk) -> None:
    """A staged talk must have its pictures now; any other gets the time of `prepare` to show them."""
    missing = list(sight.missing(talk)) if talk in state.staged else []
    if missing:
        raise Refused("no_picture", f"No picture from {', '.join(missing)}.", feeds=missing)


def _names(state: State, people: list[str]) -> str:
    seats = (state.roster.seat(person_id) for person_id in people)
    return ", ".join(seat.person.name if seat else "somebody unknown" for seat in seats)


def _pass_floor(state: State, sight: Sight, person: Person, command: PassFloor) -> list[Fact]:
    if state.live is None or person.id not in state.live.speakers:
        raise Refused("not_on_air", "You are not on air, so the floor is not yours to pass.")
    _fresh(state, command)
    return _take(state, sight, person, Take(command.id))


def _slate(state: State, person: Person, command: ShowSlate) -> list[Fact]:
    """The slate is the emergency brake: it ends a running hand-off to a talk instead of waiting for it."""
    running, default = state.hand_off, state.event.slate
    facts: list[Fact] = []
    token = state.next_token
    if running is not None:
        if running.order.talk is None:
            _idle(state)
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
    return [*facts, order]


def _scene(state: State, command: SetScene) -> list[Fact]:
    if state.live is None:
        raise Refused("not_on_air", "No talk is on air; a scene belongs to one.")
    _idle(state)
    return [Rescened(state.next_token, command.layout, command.transition)]
