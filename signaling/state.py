"""(P) The state of the show, and what each fact does to it.

`State` is a value: `apply` takes a fact and returns the state after it. The same facts in the same order give
the same state, whether they happen now or are read from the journal.
"""

from dataclasses import dataclass, field, replace

from signaling.airings import Airing, followed
from signaling.backstage import Backstage, Move
from signaling.event import Event, Moment, Plan, Talk, Target
from signaling.facts import (
    Aborted,
    Added,
    Admitted,
    Automated,
    Began,
    Came,
    Confirmed,
    Cued,
    Ended,
    Extended,
    Fact,
    FeedDown,
    FeedUp,
    FellBack,
    Left,
    Levelled,
    Lost,
    Moved,
    Readied,
    Redrawn,
    Removed,
    Restarted,
    Retimed,
    Retitled,
    Returned,
    Seen,
    Skipped,
    Spoke,
    TargetAdded,
    TargetRemoved,
    TargetSwitched,
    Warned,
)
from signaling.handoff import Floor, HandOff
from signaling.plans import planned
from signaling.roster import PersonState, Roster
from signaling.rundown import Rundown, TalkState


@dataclass(frozen=True, slots=True)
class Problem:
    """The last thing that went wrong; `at` in Unix seconds."""

    code: str
    message: str
    at: float


@dataclass(frozen=True, slots=True)
class State:
    """`revision` grows with each fact; `moved` is the one that last changed the air or the standby.

    `viewers` and `screens` come from no fact: whoever watches is counted anew.
    """

    event: Event
    rundown: Rundown
    roster: Roster
    floor: Floor
    backstage: Backstage = field(default_factory=Backstage)
    revision: int = 0
    moved: int = 0
    problem: Problem | None = None
    viewers: int = 0
    screens: int = 0
    airings: tuple[Airing, ...] = ()
    targets: tuple[Target, ...] = ()
    plans: tuple[Plan, ...] = ()

    @classmethod
    def of(cls, event: Event, since: float) -> "State":
        """Before the show: the slate on air since `since` (Unix seconds)."""
        floor = Floor.of(event.slate, since)
        return cls(
            event,
            Rundown.of(event),
            Roster.of(event),
            floor,
            targets=event.targets,
            plans=event.plans,
        )

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
    def automatic_next(self) -> Talk | None:
        """The talk after the one on air, if it goes on by itself."""
        item = self.rundown.after(self.floor.air.talk) if self.floor.air.talk is not None else None
        return item.talk if item is not None and item.talk.automatic else None

    @property
    def staged(self) -> tuple[Talk, ...]:
        """The talks whose feeds the mixer decodes: on air or held, the target of a hand-off, and what may
        come next: on standby, or else by itself."""
        order = self.hand_off.order.talk if self.hand_off else None
        following = self.rundown.standby
        if following is None and self.automatic_next is not None:
            following = self.automatic_next.id
        ids = (self.floor.air.talk, self.floor.air.held, order, following)
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
        rundown=_edited(_rundown(state.rundown, floor, fact, now), fact),
        roster=_roster(state.roster, fact),
        backstage=state.backstage.apply(fact, now),
        targets=_targets(state.targets, fact),
        revision=state.revision + 1,
        problem=_problem(state, fact, now),
        plans=planned(state.plans, state.floor, fact, now),
    )
    if floor.air.talk != state.floor.air.talk:
        after = replace(after, airings=followed(state.airings, floor.air.talk, now.wall))
    after = _rest(state, after)
    if _order(after) != _order(state):
        after = replace(after, moved=after.revision)
    return after


def noted(state: State, move: Move) -> State:
    """The state with one more move, which everybody may see but which changes nothing."""
    return replace(state, backstage=state.backstage.noted(move))


class UnknownName(ValueError):
    """A fact names what the event no longer has: the config changed since it was journalled."""


def _check_names(state: State, fact: Fact) -> None:
    match fact:
        case Cued(talk) | Began(talk=talk) if talk is not None and state.rundown.item(talk) is None:
            raise UnknownName(talk)
        case (
            Moved(talk) | Skipped(talk) | Extended(talk) | Retimed(talk) | Retitled(talk) | Redrawn(talk)
            | Automated(talk) | Ended(talk) | Seen(talk)
        ) if state.rundown.item(talk) is None:  # fmt: skip
            raise UnknownName(talk)
        case (
            Came(person) | Left(person) | Readied(person) | FeedUp(owner=person) | Levelled(person)
            | Removed(person) | Admitted(person) | Spoke(person)
        ) if state.roster.seat(person) is None:  # fmt: skip
            raise UnknownName(person)
        case Added():
            _check_added(state, fact)
        case TargetRemoved(target) | TargetSwitched(target) if not any(
            each.id == target for each in state.targets
        ):
            raise UnknownName(target)
        case TargetAdded(target) if any(each.id == target for each in state.targets):
            raise UnknownName(target)  # the config has one of this name now
        case _:
            return


def _check_added(state: State, fact: Added) -> None:
    """Raise UnknownName where the config has got a talk of this name since, or lost its people or clip."""
    clips = () if fact.clip is None or state.event.has_clip(fact.clip) else (fact.clip,)
    people = [person for person in fact.speakers if state.roster.seat(person) is None]
    there = [fact.talk] if state.rundown.item(fact.talk) is not None else []
    for name in (*there, *people, *clips):
        raise UnknownName(name)


def _rundown(rundown: Rundown, floor: Floor, fact: Fact, now: Moment) -> Rundown:
    if isinstance(fact, Cued):
        rundown = rundown.cue(fact.talk)
    air = floor.air
    if (air.talk, air.held) != (rundown.live, rundown.held):
        rundown = rundown.follow(air.talk, air.held, now.wall)
    return rundown


def _edited(rundown: Rundown, fact: Fact) -> Rundown:
    match fact:
        case Moved(talk, before):
            return rundown.move(talk, before)
        case Added():
            return rundown.add(_added(fact), fact.before)
        case Skipped(talk, skipped):
            return rundown.skip(talk, skipped)
        case Extended(talk, minutes):
            return rundown.extend(talk, minutes)
        case _:
            return _changed(rundown, fact)


def _changed(rundown: Rundown, fact: Fact) -> Rundown:
    """One talk has another start, title or layout, or goes on by itself now."""
    if not isinstance(fact, Retimed | Retitled | Redrawn | Automated):
        return rundown
    talk = rundown.talk(fact.talk)
    assert talk is not None, "_check_names has looked"
    match fact:
        case Retimed(start=start):
            return rundown.change(replace(talk, start=start))
        case Retitled(title=title):
            return rundown.change(replace(talk, title=title))
        case Redrawn(layout=layout):
            return rundown.change(replace(talk, layout=layout))
        case Automated(automatic=automatic):
            return rundown.change(replace(talk, automatic=automatic))


def _added(fact: Added) -> Talk:
    return Talk(
        fact.talk,
        fact.title,
        fact.speakers,
        fact.layout,
        fact.start,
        fact.minutes,
        fact.clip,
        automatic=fact.automatic,
    )


def _targets(targets: tuple[Target, ...], fact: Fact) -> tuple[Target, ...]:
    match fact:
        case TargetAdded(target, name, address, url, key):
            return (*targets, Target(target, name, address, url=url, key=key))
        case TargetRemoved(target):
            return tuple(each for each in targets if each.id != target)
        case TargetSwitched(target, on):
            return tuple(replace(each, on=on) if each.id == target else each for each in targets)
        case _:
            return targets


def _roster(roster: Roster, fact: Fact) -> Roster:
    match fact:
        case Levelled(person, gain_db, muted):
            return roster.levelled(person, gain_db, muted)
        case Removed(person):
            return roster.removed(person)
        case Admitted(person):
            return roster.admitted(person)
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
        case Confirmed() if not _by_default(state):
            return None
        case Returned(lost=lost):
            return _loss(state, lost, now) if lost else None
        case Lost(feeds=feeds):
            return _loss(state, feeds, now)
        case _:
            return state.problem


def _loss(state: State, feeds: tuple[str, ...], now: Moment) -> Problem | None:
    """A talk that goes on without some of its pictures; what else is wrong stays told when they are back."""
    if feeds:
        names = ", ".join(_named(state, feed) for feed in feeds)
        return Problem("feed_lost", f"No picture from {names}; the others go on.", now.wall)
    return None if state.problem is not None and state.problem.code == "feed_lost" else state.problem


def _named(state: State, feed: str) -> str:
    """A feed in words for people: whose camera or slides it is."""
    owner, _, kind = feed.partition(".")
    seat = state.roster.seat(owner)
    if seat is None:
        return feed
    return f"{seat.person.name} ({kind})" if kind else seat.person.name


def _by_default(state: State) -> bool:
    """Whether the running hand-off leads to the slate because nothing else could follow by itself."""
    order = state.hand_off.order if state.hand_off is not None else None
    return order is not None and order.by_itself and order.talk is None


def _rest(before: State, after: State) -> State:
    """Who has finished a talk is no longer ready, lest they be taken again by a slip."""
    if after.rundown is before.rundown:
        return after
    roster = after.roster
    was = {item.talk.id: before.rundown.is_over(item) for item in before.rundown}
    for item in after.rundown:
        if item.mark is TalkState.DONE and after.rundown.is_over(item) and not was.get(item.talk.id, True):
            for person_id in item.talk.speakers:
                if roster.seat(person_id) is not None:
                    roster = roster.readied(person_id, False)
    return after if roster is after.roster else replace(after, roster=roster)


def _order(state: State) -> tuple[str | None, str | None, str | None]:
    """What a producer who takes must have seen: who has the floor, and who is next. A talk whose picture
    fails keeps the floor until it is back: a take in that very moment is wanted more than ever."""
    air = state.floor.air
    floor = air.held if air.returns else air.talk
    return floor, None if air.returns else air.held, state.rundown.standby
