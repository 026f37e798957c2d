"""(P) The plans of re-air: what is to be on air again, and what each fact does to that."""

from collections.abc import Iterable
from dataclasses import replace

from signaling.event import AGAIN, Moment, Person, Plan, Role
from signaling.facts import Aborted, Began, Fact, Reaired, Unreaired
from signaling.handoff import Floor

MACHINE = Person("again", "Re-air", Role.PRODUCER)


def plan_of(talk: str | None) -> str | None:
    """The plan to which a talk belongs; None: it is no re-air."""
    return talk.removeprefix(AGAIN).split("-", 1)[0] if talk is not None and talk.startswith(AGAIN) else None


def planned(plans: tuple[Plan, ...], floor: Floor, fact: Fact, now: Moment) -> tuple[Plan, ...]:
    """The plans after this fact; `floor` is what it was before.

    A producer's slate stops what it ends: on air, held, or about to be. Their take of a talk lets it go on.
    """
    match fact:
        case Reaired(plan, what, at, loop):
            return (*plans, Plan(plan, what, now.wall if at is None and not loop else at, loop))
        case Unreaired(plan):
            return tuple(each for each in plans if each.id != plan)
        case Aborted(code="pre_empted") if floor.hand_off is not None:
            return _stopped(plans, (floor.hand_off.order.talk,))
        case Began(talk=None, person=person) if person not in ("", MACHINE.id):
            return _stopped(plans, (floor.air.talk, floor.air.held))
        case Began(talk=talk, person=person) if person not in ("", MACHINE.id):
            return _stopped(plans, (talk,), False)
        case _:
            return plans


def _stopped(plans: tuple[Plan, ...], talks: Iterable[str | None], stopped: bool = True) -> tuple[Plan, ...]:
    ids = {plan_of(talk) for talk in talks}
    return tuple(replace(plan, stopped=stopped) if plan.id in ids else plan for plan in plans)
