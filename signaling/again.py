"""(P) Re-air: talks from the recordings, put into the rundown and on air by the machine that everybody uses.

`step` says what a patient producer would do next: add the talks, take the first at its hour, cue the one that
follows, make room for the living. A live talk always wins: nothing begins while one is on air or expected
within `GAP`, and what plays gives way `LEAD` before one that is planned, or when a producer takes it. A
producer who puts the slate on a re-air has ended it, until they take one of its talks themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from signaling.event import AGAIN, Plan
from signaling.facts import Fact, Reaired, Unreaired
from signaling.orders import Add, CancelReair, Command, Cue, Reair, ShowSlate, Skip, Take
from signaling.plans import MACHINE, plan_of
from signaling.refusal import Refused
from signaling.rundown import Item, TalkState
from signaling.state import State

WHOLE = "event"  # a plan's `what` for everything
MAX_PLANS = 20
MAX_TALKS = 190  # of the rundown: some stay free for producers
LEAD = 60.0  # seconds before a planned talk at which a re-air gives way
GAP = 900.0  # seconds: no re-air begins this shortly before one
STALE = 3 * 3600.0  # seconds after its planned end, a talk that never was is not expected any more
LATE = 1800.0  # seconds by which a re-air may begin late, because a live talk is on


@dataclass(frozen=True, slots=True)
class Piece:
    """One recorded talk that can be played: `chapter` is its id in the recordings."""

    chapter: str
    title: str
    minutes: float


def moment(text: str, zone: ZoneInfo) -> float:
    """A wall clock's time there, `2023-06-08T09:00`, in Unix seconds. Raises ValueError.

    An hour that the clocks leave out is that much later; of one that comes twice the first is meant.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is not None:
        raise ValueError("a time without an offset, for the zone says which")
    return at.replace(tzinfo=zone, fold=0).timestamp()


def talk_of(plan: str, chapter: str) -> str:
    """The id of a talk, and of its clip."""
    return f"{AGAIN}{plan}-{chapter}"


def decide_reair(state: State, command: Reair) -> list[Fact]:
    """A producer wants something again. Raises Refused."""
    if command.what != WHOLE and state.rundown.item(command.what) is None:
        raise Refused("unknown_talk", f"There is no talk {command.what!r}.", talk=command.what)
    if not any(command.what in (WHOLE, airing.talk) for airing in state.airings):
        raise Refused("not_recorded", "It has not been on air yet.", talk=command.what)
    if len(state.plans) >= MAX_PLANS:
        raise Refused("too_many", f"There may be {MAX_PLANS} re-airs; cancel one first.")
    return [Reaired(f"p{state.revision + 1}", command.what, command.at, command.loop)]


def decide_cancel(state: State, command: CancelReair) -> list[Fact]:
    """A producer takes a re-air back. Raises Refused."""
    if all(plan.id != command.plan for plan in state.plans):
        raise Refused("unknown_plan", "There is no such re-air.", plan=command.plan)
    return [Unreaired(command.plan)]


def coming(state: State, now: float) -> float | None:
    """When the next live talk is planned (Unix seconds), a late one now; None: none is to come."""
    waiting = (
        max(item.start, now)
        for item in state.rundown
        if plan_of(item.talk.id) is None
        and item.mark is TalkState.PLANNED
        and item.talk.id not in (state.rundown.live, state.rundown.held)
        and item.planned_end + STALE > now
    )
    return min(waiting, default=None)


def step(state: State, ready: Mapping[str, Sequence[Piece]], now: float) -> Command | None:
    """What the machine asks for now (Unix seconds), if anything. `ready`: of each plan what can be played."""
    if state.hand_off is not None:
        return None
    name = f"{MACHINE.id}-{state.revision}-{round(now)}"
    found = _put_in(state, ready, now, name) or _take_out(state, name)
    following = coming(state, now)
    if found is None and following is not None and following <= now + LEAD:
        return _give_way(state, name)
    return found or _play(state, ready, following, now, name)


def _put_in(state: State, ready: Mapping[str, Sequence[Piece]], now: float, name: str) -> Command | None:
    """The next talk that is not in the rundown yet."""
    if len(state.rundown) >= MAX_TALKS:
        return None
    for plan in state.plans:
        pieces = ready.get(plan.id, ())
        if plan.at is not None and not plan.loop and now > _last_call(plan, pieces):
            continue
        for number, piece in enumerate(pieces):
            talk = talk_of(plan.id, piece.chapter)
            if state.rundown.item(talk) is None:
                start = plan.at if number == 0 else None
                before = _before(state, now if plan.at is None else plan.at)
                return Add(name, piece.title, piece.minutes, (), talk, talk, before, start)
    return None


def _before(state: State, at: float) -> str | None:
    """The first talk to come that has an hour of its own after `at`: a re-air must not move the others."""
    later = (
        item.talk.id
        for item in state.rundown
        if plan_of(item.talk.id) is None and item.mark is TalkState.PLANNED and (item.talk.start or 0) > at
    )
    return next(later, None)


def _take_out(state: State, name: str) -> Command | None:
    """What belongs to a re-air that was cancelled is left out."""
    plans = {plan.id for plan in state.plans}
    for item in _planned(state):
        if plan_of(item.talk.id) not in plans:
            return Skip(name, item.talk.id)
    return None


def _give_way(state: State, name: str) -> Command | None:
    """A live talk is about to begin."""
    if plan_of(state.rundown.standby) is not None:
        return Cue(name, None)
    if plan_of(state.floor.air.talk) is not None:
        return ShowSlate(name)
    loops = {plan.id for plan in state.plans if plan.loop}
    left = next((item for item in _planned(state) if plan_of(item.talk.id) in loops), None)
    return None if left is None else Skip(name, left.talk.id)


def _play(
    state: State, ready: Mapping[str, Sequence[Piece]], following: float | None, now: float, name: str
) -> Command | None:
    air, standby = state.floor.air, state.rundown.standby
    mine = plan_of(air.talk)
    if (air.talk is not None and mine is None) or air.held is not None:
        return None
    if standby is not None and plan_of(standby) is None:
        return None
    due = next((item for plan in state.plans for item in _due(state, plan, ready, now)), None)
    if mine is None:
        if following is not None and following <= now + GAP:
            return None
        item = due or next((item for plan in state.plans for item in _looped(state, plan, ready, now)), None)
        return None if item is None else Take(name, item.talk.id, force=state.rundown.is_over(item))
    current = next((plan for plan in state.plans if plan.id == mine), None)
    if current is None:
        return None
    if current.loop and due is not None:
        return Take(name, due.talk.id)
    after = _after(state, current, ready, air.talk)
    if standby is not None or after is None:
        return None
    return Cue(name, after.talk.id, force=state.rundown.is_over(after))


def _due(state: State, plan: Plan, ready: Mapping[str, Sequence[Piece]], now: float) -> Iterator[Item]:
    """The talks of a plan whose hour has come that were not on air yet."""
    if plan.loop or plan.at is None or plan.stopped:
        return
    if plan.at <= now <= _last_call(plan, ready.get(plan.id, ())):
        yield from (item for item in _items(state, plan, ready) if not state.rundown.is_over(item))


def _looped(state: State, plan: Plan, ready: Mapping[str, Sequence[Piece]], now: float) -> Iterator[Item]:
    """With which talk a loop goes on: those that were not on air yet, then who was longest ago."""
    if plan.loop and (plan.at is None or plan.at <= now) and not plan.stopped:
        ended = {airing.talk: airing.start for airing in state.airings}
        yield from sorted(_items(state, plan, ready), key=lambda item: ended.get(item.talk.id, 0.0))


def _after(state: State, plan: Plan, ready: Mapping[str, Sequence[Piece]], talk: str | None) -> Item | None:
    """Who follows on this talk; in a loop the first on the last."""
    items = _items(state, plan, ready)
    place = next((n for n, item in enumerate(items) if item.talk.id == talk), -1)
    later = items[place + 1 :] if not plan.loop else [*items[place + 1 :], *items[:place]]
    return next((item for item in later if plan.loop or not state.rundown.is_over(item)), None)


def _items(state: State, plan: Plan, ready: Mapping[str, Sequence[Piece]]) -> list[Item]:
    """The talks of a plan that can be played, in order."""
    found = (state.rundown.item(talk_of(plan.id, piece.chapter)) for piece in ready.get(plan.id, ()))
    return [item for item in found if item is not None]


def _planned(state: State) -> list[Item]:
    """Re-airs that are to come."""
    staged = (state.rundown.live, state.rundown.held, state.rundown.standby)
    return [
        item
        for item in state.rundown
        if plan_of(item.talk.id) is not None and item.mark is TalkState.PLANNED and item.talk.id not in staged
    ]


def _last_call(plan: Plan, pieces: Sequence[Piece]) -> float:
    """After this nothing of a plan begins any more."""
    assert plan.at is not None, "only what has an hour can be late"
    return plan.at + LATE + 60 * sum(piece.minutes for piece in pieces)
