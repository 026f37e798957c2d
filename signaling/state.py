"""(P) The state of the show, and what each fact does to it.

`State` is a value: `apply` takes a fact and returns the state after it. The same facts in the same order give
the same state, whether they happen now or are read from the journal.
"""

from dataclasses import dataclass, replace

from signaling.event import Event, Moment, Talk
from signaling.facts import (
    Aborted,
    Began,
    Came,
    Confirmed,
    Counted,
    Cued,
    Fact,
    FeedDown,
    FeedUp,
    FellBack,
    Left,
    Readied,
    Restarted,
    Returned,
    Warned,
)
from signaling.handoff import Floor, HandOff
from signaling.roster import PersonState, Roster
from signaling.rundown import Rundown


@dataclass(frozen=True, slots=True)
class Problem:
    """The last thing that went wrong; `at` in Unix seconds."""

    code: str
    message: str
    at: float


@dataclass(frozen=True, slots=True)
class State:
    """`revision` grows with each fact; `moved` is the one that last changed the air or the standby."""

    event: Event
    rundown: Rundown
    roster: Roster
    floor: Floor
    revision: int = 0
    moved: int = 0
    problem: Problem | None = None
    viewers: int = 0
    screens: int = 0

    @classmethod
    def of(cls, event: Event, since: float) -> "State":
        """Before the show: the slate on air since `since` (Unix seconds)."""
        return cls(event, Rundown.of(event), Roster.of(event), Floor.of(event.slate, since))

    @property
    def next_token(self) -> str:
        """A name for a picture that no other picture has had: the revision that its fact will make."""
        return str(self.revision + 1)

    @property
    def hand_off(self) -> HandOff | None:
        return self.floor.hand_off

    @property
    def live(self) -> Talk | None:
        """The talk on air."""
        return self.rundown.talk(self.floor.air.talk)

    @property
    def staged(self) -> tuple[Talk, ...]:
        """The talks whose feeds the mixer decodes: on air or held, the target of a hand-off, on standby."""
        order = self.hand_off.order.talk if self.hand_off else None
        ids = (self.floor.air.talk, self.floor.air.held, order, self.rundown.standby)
        talks = (self.rundown.talk(talk_id) for talk_id in dict.fromkeys(ids))
        return tuple(talk for talk in talks if talk is not None)

    def pictures(self, talk: Talk) -> tuple[str, ...]:
        """The feeds that may show this talk now: its cameras and clip, and the slides that are up."""
        seats = (self.roster.seat(person_id) for person_id in talk.speakers)
        up = [feed for seat in seats if seat for feed in seat.feeds]
        own = [feed for feed in talk.feeds if feed != talk.slides or feed in up]
        return tuple(dict.fromkeys((*own, *up)))

    def person_state(self, person_id: str) -> PersonState:
        """What the person is now; a held talk's people wait like those on standby."""
        waiting = (self.rundown.talk(self.rundown.standby), self.rundown.talk(self.floor.air.held))
        standby = {person for talk in waiting if talk for person in talk.speakers}
        return self.roster.state(person_id, self.live.speakers if self.live else (), standby)


def apply(state: State, fact: Fact, now: Moment) -> State:
    """The state after this fact. Raises UnknownName if it names a talk, person or feed of another event."""
    _check_names(state, fact)
    floor = state.floor.apply(fact, now)
    after = replace(
        state,
        floor=floor,
        rundown=_rundown(state.rundown, floor, fact, now),
        roster=_roster(state.roster, fact),
        revision=state.revision + 1,
        problem=_problem(state, fact, now),
    )
    if isinstance(fact, Counted):
        after = replace(after, viewers=fact.viewers, screens=fact.screens)
    after = _rest(state, after)
    if _order(after) != _order(state):
        after = replace(after, moved=after.revision)
    return after


class UnknownName(ValueError):
    """A fact names what the event no longer has: the config changed since it was journalled."""


def _check_names(state: State, fact: Fact) -> None:
    match fact:
        case Cued(talk) | Began(talk=talk) if talk is not None and state.rundown.item(talk) is None:
            raise UnknownName(talk)
        case Came(person) | Left(person) | Readied(person=person) | FeedUp(owner=person):
            if state.roster.seat(person) is None:
                raise UnknownName(person)
        case _:
            return


def _rundown(rundown: Rundown, floor: Floor, fact: Fact, now: Moment) -> Rundown:
    if isinstance(fact, Cued):
        rundown = rundown.cue(fact.talk)
    air = floor.air
    if (air.talk, air.held) != (rundown.live, rundown.held):
        rundown = rundown.follow(air.talk, air.held, now.wall)
    return rundown


def _roster(roster: Roster, fact: Fact) -> Roster:
    match fact:
        case Came(person):
            return roster.came(person)
        case Left(person):
            return roster.went(person)
        case Readied(person, ready):
            return roster.readied(person, ready)
        case FeedUp(feed, owner):
            return roster.feed_up(feed, owner)
        case FeedDown(feed):
            return roster.feed_down(feed)
        case Restarted():
            return roster.emptied()
        case _:
            return roster


def _problem(state: State, fact: Fact, now: Moment) -> Problem | None:
    match fact:
        case Aborted(_, code, message) | FellBack(_, code, message) | Warned(code, message):
            return Problem(code, message, now.wall)
        case Confirmed() | Returned():
            return None
        case _:
            return state.problem


def _rest(before: State, after: State) -> State:
    """Who has finished a talk is no longer ready, lest they be taken again by a slip."""
    roster = after.roster
    for was, item in zip(before.rundown, after.rundown, strict=True):
        if after.rundown.is_over(item) and not before.rundown.is_over(was):
            for person_id in item.talk.speakers:
                if roster.seat(person_id) is not None:
                    roster = roster.readied(person_id, False)
    return after if roster is after.roster else replace(after, roster=roster)


def _order(state: State) -> tuple[str | None, str | None, str | None]:
    """What a producer who takes must have seen."""
    return state.floor.air.talk, state.floor.air.held, state.rundown.standby
