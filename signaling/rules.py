"""(P) What several commands have in common: who may, whether it is still as they saw it, what there is."""

from signaling.event import Person, Role
from signaling.orders import Command
from signaling.refusal import Refused
from signaling.roster import Seat
from signaling.rundown import Item
from signaling.state import State


def require(person: Person, role: Role) -> None:
    """Refuse everybody of another role."""
    if person.role != role:
        raise Refused("role_forbidden", f"Only a {role} may do this.")


def fresh(state: State, command: Command) -> None:
    """Refuse what was decided before the air or the standby changed, or in another life of the server."""
    seen = command.revision
    if seen is not None and not state.moved <= seen <= state.revision:
        message = "The show has moved on since; look again and repeat it if you still want it."
        raise Refused("stale", message, revision=state.revision)


def idle(state: State) -> None:
    """Refuse while a hand-off runs."""
    if state.hand_off is not None:
        target = state.hand_off.target
        raise Refused("hand_off_running", f"A hand-off to {target} is running.", target=target)


def item_of(state: State, talk_id: str) -> Item:
    """The talk with its times. Raises Refused `unknown_talk`."""
    item = state.rundown.item(talk_id)
    if item is None:
        raise Refused("unknown_talk", f"There is no talk {talk_id!r} in the rundown.", talk=talk_id)
    return item


def speaker(state: State, person_id: str) -> Seat:
    """The speaker's seat. Raises Refused `unknown_person`."""
    seat = state.roster.seat(person_id)
    if seat is None or seat.person.role != Role.SPEAKER:
        raise Refused("unknown_person", f"There is no speaker {person_id!r}.", person=person_id)
    return seat
