"""(P) The rundown live: what each edit leads to, or why it is refused."""

from signaling.event import AGAIN, Person
from signaling.facts import (
    Added,
    Automated,
    Extended,
    Fact,
    Moved,
    Redrawn,
    Reslated,
    Retimed,
    Retitled,
    Skipped,
)
from signaling.orders import (
    Add,
    Automate,
    Edit,
    Extend,
    Move,
    Redraw,
    Reslate,
    Retime,
    Retitle,
    Skip,
    Unskip,
)
from signaling.plans import MACHINE, plan_of
from signaling.refusal import Refused
from signaling.rules import idle, item_of, speaker
from signaling.rundown import Item, TalkState
from signaling.state import State

MAX_TALKS = 200
LEAST_MINUTES = 1.0  # that an extension backwards leaves


def decide_edit(state: State, person: Person, edit: Edit) -> list[Fact]:
    """The facts that this edit leads to; none where all is as wished already. Raises Refused."""
    match edit:
        case Move():
            return _move(state, edit)
        case Add():
            return _add(state, person, edit)
        case Skip(talk=talk):
            return [Skipped(talk, True)] if _not_over(state, talk).mark is not TalkState.SKIPPED else []
        case Unskip(talk=talk):
            return _unskip(state, talk)
        case Extend():
            return _extend(state, edit)
        case Retime(talk=talk, start=start):
            return [Retimed(talk, start)] if _not_over(state, talk).talk.start != start else []
        case Retitle():
            return _retitle(state, edit)
        case Redraw(talk=talk, layout=layout):
            return [Redrawn(talk, layout)] if _off_air(state, talk).talk.layout != layout else []
        case Automate(talk=talk, automatic=automatic):
            return [Automated(talk, automatic)] if item_of(state, talk).talk.automatic != automatic else []
        case Reslate():
            return _reslate(state, edit)
    raise Refused("unknown_type", "There is no such edit.")


def _off_air(state: State, talk_id: str) -> Item:
    """The talk, if nobody sees it or is about to."""
    item = item_of(state, talk_id)
    if talk_id in (state.floor.air.talk, state.floor.air.held):
        raise Refused("already_on_air", f"{item.talk.title} is on air.", talk=talk_id)
    if _is_target(state, talk_id):
        idle(state)
    return item


def _is_target(state: State, talk_id: str | None) -> bool:
    """Whether a hand-off to this talk runs; None: to the slate."""
    return state.hand_off is not None and state.hand_off.order.talk == talk_id


def _not_over(state: State, talk_id: str) -> Item:
    """The talk, if it is still to come (a skipped one might)."""
    item = _off_air(state, talk_id)
    if item.mark is TalkState.DONE:
        raise Refused("talk_over", f"{item.talk.title} is over.", talk=talk_id)
    return item


def _move(state: State, edit: Move) -> list[Fact]:
    _off_air(state, edit.talk)
    if edit.before is not None:
        item_of(state, edit.before)
    order = [item.talk.id for item in state.rundown]
    place = order.index(edit.talk)
    after = order[place + 1] if place + 1 < len(order) else None
    return [] if edit.before in (edit.talk, after) else [Moved(edit.talk, edit.before)]


def _add(state: State, person: Person, edit: Add) -> list[Fact]:
    if len(state.rundown) >= MAX_TALKS:
        raise Refused("rundown_full", f"A rundown holds {MAX_TALKS} talks at most.")
    for wanted in (edit.talk, edit.clip):
        if plan_of(wanted) is not None and person != MACHINE:
            raise Refused("reserved", f"Names that begin with {AGAIN} are those of re-airs.", name=wanted)
    name = edit.talk if edit.talk is not None else _free_name(state)
    if state.rundown.item(name) is not None:
        raise Refused("talk_exists", f"There is a talk {name!r} already.", talk=name)
    if edit.before is not None:
        item_of(state, edit.before)
    for person_id in edit.speakers:
        speaker(state, person_id)
    if edit.clip is not None and not state.event.has_clip(edit.clip):
        raise Refused("unknown_clip", f"There is no clip {edit.clip!r}.", clip=edit.clip)
    return [
        Added(
            name,
            edit.title,
            edit.minutes,
            edit.speakers,
            edit.clip,
            edit.before,
            edit.start,
            edit.layout,
            edit.automatic,
        )
    ]


def _free_name(state: State) -> str:
    number = state.revision + 1
    while state.rundown.item(f"added-{number}") is not None:
        number += 1
    return f"added-{number}"


def _unskip(state: State, talk_id: str) -> list[Fact]:
    item = _off_air(state, talk_id)
    if item.mark is not TalkState.SKIPPED:
        raise Refused("not_skipped", f"{item.talk.title} is not skipped.", talk=talk_id)
    return [Skipped(talk_id, False)]


def _extend(state: State, edit: Extend) -> list[Fact]:
    item = item_of(state, edit.talk)
    if state.rundown.is_over(item) and edit.talk != state.floor.air.held:
        raise Refused("talk_over", f"{item.talk.title} is over.", talk=edit.talk)
    least = min(0.0, LEAST_MINUTES - item.talk.minutes)  # a talk planned even shorter keeps its length
    extended = max(least, item.extended + edit.minutes)
    return [Extended(edit.talk, extended)] if extended != item.extended else []


def _retitle(state: State, edit: Retitle) -> list[Fact]:
    item = item_of(state, edit.talk)
    if item.talk.title == edit.title:
        return []
    if edit.talk == state.floor.air.talk or _is_target(state, edit.talk):
        idle(state)  # the picture is about to change: it would be drawn twice, or too late
    if edit.talk != state.floor.air.talk:
        return [Retitled(edit.talk, edit.title)]
    return [Retitled(edit.talk, edit.title, state.next_token)]


def _reslate(state: State, edit: Reslate) -> list[Fact]:
    said = state.floor.default_slate
    wanted = (edit.title, edit.message)
    if all(text in (None, old) for text, old in zip(wanted, (said.title, said.message), strict=True)):
        return []
    on_air = state.floor.air.talk is None
    if on_air or _is_target(state, None):
        idle(state)
    if not on_air:
        return [Reslated(*wanted)]
    return [Reslated(*wanted, state.next_token)]
