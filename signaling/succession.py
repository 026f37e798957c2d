"""(P) Who comes next without anybody's command: after a clip, and when a speaker passes the floor."""

from signaling.event import Sight, Talk
from signaling.facts import Began, Fact, Warned
from signaling.refusal import Refused
from signaling.state import State


def next_by_itself(state: State) -> Talk | None:
    """The talk that follows the one on air by itself: that on standby, else the next if it is automatic."""
    if state.rundown.standby is not None:
        return state.rundown.talk(state.rundown.standby)
    return state.automatic_next


def follow_up(state: State, sight: Sight) -> list[Fact]:
    """The clip on air is over: hand over to what follows, or where that cannot be to the slate."""
    talk = next_by_itself(state)
    if talk is not None and not state.floor.air.stranded and sight.mixer_up():
        try:
            people_fit(state, talk)
        except Refused as refused:
            warning = Warned(refused.code, f"{talk.title} could not follow by itself. {refused.message}")
            return [warning, _slate(state, str(state.revision + 2))]
        return [Began(state.next_token, talk.id, "", layout=talk.layout)]
    return [_slate(state, state.next_token)]


def _slate(state: State, token: str) -> Began:
    return Began(token, None, "", layout="slate", slate=state.floor.default_slate)


def people_fit(state: State, talk: Talk) -> None:
    """Refuse a talk whose people are not here, or not ready."""
    seats = [(person_id, state.roster.seat(person_id)) for person_id in talk.speakers]
    away = [person_id for person_id, seat in seats if seat is None or not seat.here]
    if away:
        raise Refused("people_missing", f"Not here: {_names(state, away)}.", people=away)
    unready = [person_id for person_id, seat in seats if seat is None or not seat.ready]
    if unready:
        raise Refused("not_ready", f"Not ready: {_names(state, unready)}.", people=unready)


def _names(state: State, people: list[str]) -> str:
    seats = (state.roster.seat(person_id) for person_id in people)
    return ", ".join(seat.person.name if seat else "somebody unknown" for seat in seats)
