"""Re-air: at its hour in its zone, as talks of the rundown, after the living, round and round at night."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.again import Piece, coming, moment, step, talk_of
from signaling.event import Event, Person, Plan, Talk
from signaling.handoff import Phase
from signaling.orders import Add, CancelReair, Command, Reair, SetLevel, ShowSlate, Take
from signaling.plans import MACHINE, plan_of
from signaling.show import Show
from tests.signaling.stagehand import EVENT, PING, FakeStage, at

HOUR = 3600.0
START = 1680069600.0  # of the event
TALKS = (
    Talk("one", "Reorienting", ("thony",), minutes=20),
    Talk("two", "Reinventing", ("lanvin",), minutes=20),
)
TOMORROW = Talk("next", "Tomorrow", ("vermast",), start=START + 8 * HOUR, minutes=20)
PIECES = (
    Piece("0-one", "Callysta Thony: Reorienting", 20.0),
    Piece("1-two", "Bruno Lanvin: Reinventing", 20.0),
)


def event(*plans: Plan, talks: tuple[Talk, ...] = TALKS) -> Event:
    return replace(EVENT, talks=talks, plans=plans)


class Night:
    """A show in which time passes, clips end, and the machine may speak each ten seconds."""

    def __init__(self, planned: Event, since: float = 0.0) -> None:
        self.stage = FakeStage()
        self.show = Show(planned, self.stage, START)
        self.ready: dict[str, tuple[Piece, ...]] = {}
        self.now = since
        self.began = since
        self.seen: list[tuple[float, str | None]] = []
        self.says = 0
        self._settle()

    @property
    def air(self) -> str | None:
        return self.show.state.floor.air.talk

    def can_play(self, *plans: str) -> None:
        for plan in plans:
            self.ready[plan] = PIECES
            self.stage.fresh |= {f"clip.{talk_of(plan, piece.chapter)}" for piece in PIECES}

    def says_(self, command: Command, person: Person = PING) -> None:
        self.show.command(person, command, at(self.now))
        self._settle()

    def gives(self, talk: str, minutes: float) -> None:
        """A live talk, from the producer's take to the slate."""
        self.says_(Take(self.name(), talk, force=True))
        self.passes(minutes * 60)
        assert self.air == talk
        self.says_(ShowSlate(self.name()))

    def name(self) -> str:
        self.says += 1
        return f"c{self.says}"

    def passes(self, seconds: float, each: float = 10.0) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + each)
            live = self.show.state.live
            if live is not None and live.clip and self.now - self.began >= live.minutes * 60:
                self.show.clip_ended(live.clip, at(self.now))
            self._settle()
            command = step(self.show.state, self.ready, START + self.now)
            if command is not None:
                self.show.command(MACHINE, command, at(self.now))
            self._settle()

    def _settle(self) -> None:
        """The mixer shows what was committed, at once."""
        for _ in range(8):
            self.show.tick(at(self.now))
            running = self.show.state.hand_off
            if running is None:
                break
            if running.phase is Phase.COMMIT:
                self.show.shown(running.order.token, at(self.now))
        if not self.seen or self.seen[-1][1] != self.air:
            self.seen.append((self.now, self.air))
            self.began = self.now


FIRST, SECOND = (talk_of("c0", piece.chapter) for piece in PIECES)


def over(night: Night) -> Night:
    """Both talks were given, 20 minutes each."""
    for talk in TALKS:
        night.gives(talk.id, 20)
    return night


def test_at_its_hour_the_talks_are_on_air_one_after_the_other() -> None:
    """In the rundown before, on air at the hour, without a slate in between, and then the slate."""
    night = over(Night(event(Plan("c0", "event", START + 5 * HOUR))))
    night.can_play("c0")
    night.passes(60)
    items = [item for item in night.show.state.rundown if plan_of(item.talk.id)]
    assert [item.talk.title for item in items] == [piece.title for piece in PIECES]
    assert items[0].start == START + 5 * HOUR
    assert items[1].start == START + 5 * HOUR + 20 * 60
    night.passes(5 * HOUR)
    (begin, first), (then, second), (end, last) = night.seen[-3:]
    assert (first, second, last) == (FIRST, SECOND, None)
    assert begin == pytest.approx(5 * HOUR, abs=10)
    assert then - begin == pytest.approx(20 * 60, abs=11)
    assert end - then == pytest.approx(20 * 60, abs=11)


def test_a_live_talk_always_wins() -> None:
    """A producer takes a live talk during a re-air: it is on air at once, and the re-air waits behind it."""
    extra = Talk("extra", "Breaking", ("vermast",), start=START + 9 * HOUR, minutes=10)
    night = over(Night(event(Plan("c0", "event", START + 5 * HOUR), talks=(*TALKS, extra))))
    night.can_play("c0")
    night.passes(5 * HOUR + 60 - night.now)
    assert night.air == FIRST
    night.gives("extra", 10)
    night.passes(60)
    assert night.air == SECOND


def test_nothing_begins_while_a_talk_is_on_or_about_to() -> None:
    """The hour comes during a live talk: the re-air begins when no talk is to come, late but whole."""
    night = Night(event(Plan("c0", "event", START + 0.5 * HOUR)))
    night.can_play("c0")
    over(night)
    assert not any(plan_of(air) for _, air in night.seen)
    night.passes(60)
    assert night.air == FIRST


def test_it_gives_way_to_a_talk_that_is_planned() -> None:
    """A minute before tomorrow's first talk the slate is there, and nothing of the loop is on standby."""
    night = over(Night(event(Plan("c0", "event", loop=True), talks=(*TALKS, TOMORROW))))
    night.can_play("c0")
    night.passes(8 * HOUR - night.now - 70, each=30)
    rounds = [air for _, air in night.seen if plan_of(air)]
    assert rounds[:4] == [FIRST, SECOND, FIRST, SECOND]
    assert len(rounds) > 18
    assert night.air in (FIRST, SECOND)
    night.passes(60)
    assert night.air is None
    assert night.show.state.rundown.standby is None
    assert coming(night.show.state, START + night.now) == TOMORROW.start
    night.passes(120)
    assert night.air is None
    night.gives("next", 20)
    night.passes(60)
    assert plan_of(night.air) == "c0"


def test_the_loop_does_not_move_tomorrow() -> None:
    """The talks of the loop stand before tomorrow's, whose hour stays."""
    night = over(Night(event(Plan("c0", "event", loop=True), talks=(*TALKS, TOMORROW))))
    night.can_play("c0")
    night.passes(HOUR)
    order = [item.talk.id for item in night.show.state.rundown]
    assert order == ["one", "two", FIRST, SECOND, "next"]
    assert night.show.state.rundown.items[-1].start == TOMORROW.start


def test_an_hour_goes_before_a_loop() -> None:
    """What has an hour takes the air from what only fills it, and the loop goes on after."""
    night = over(Night(event(Plan("c0", "event", loop=True), Plan("c1", "event", START + 5 * HOUR))))
    night.can_play("c0", "c1")
    night.passes(5 * HOUR - night.now + 20)
    assert plan_of(night.air) == "c1"
    night.passes(HOUR)
    assert plan_of(night.air) == "c0"


def test_a_producer_who_puts_the_slate_on_it_has_ended_it() -> None:
    """It does not come back by itself, but when the producer takes one of its talks."""
    night = over(Night(event(Plan("c0", "event", loop=True))))
    night.can_play("c0")
    night.passes(60)
    assert plan_of(night.air) == "c0"
    night.says_(ShowSlate(night.name()))
    night.passes(HOUR)
    assert night.air is None
    night.says_(Take(night.name(), FIRST, force=True))
    night.passes(HOUR)
    assert plan_of(night.air) == "c0"


def test_what_was_ended_stays_ended() -> None:
    """However much happens after the producer's slate, and whatever else is on air in between."""
    hour = Plan("c1", "event", START + 5 * HOUR)
    night = over(Night(event(Plan("c0", "event", loop=True), hour, talks=(*TALKS, TOMORROW))))
    night.can_play("c0", "c1")
    night.passes(60)
    night.says_(ShowSlate(night.name()))
    for loud in range(30):
        night.says_(SetLevel(night.name(), "thony", float(-loud)))
    night.passes(5 * HOUR - night.now - 30)
    assert night.air is None
    night.passes(HOUR)
    assert [plan_of(air) for _, air in night.seen[-3:]] == ["c1", "c1", None]
    assert [plan.stopped for plan in night.show.state.plans] == [True, False]
    night.gives("next", 20)
    night.passes(HOUR)
    assert night.air is None


def test_a_slate_that_comes_first_ends_it_as_well() -> None:
    """The hand-off to it was running: it is not begun again."""
    night = over(Night(event()))
    night.says_(Reair(night.name(), "event"))
    plan = night.show.state.plans[0].id
    night.can_play(plan)
    night.stage.fresh.clear()  # so that preparing takes its second
    while night.show.state.hand_off is None:
        night.passes(10)
    night.says_(ShowSlate(night.name()))
    assert night.show.state.plans[0].stopped
    night.stage.fresh |= {f"clip.{talk_of(plan, piece.chapter)}" for piece in PIECES}
    night.passes(HOUR)
    assert night.air is None


def test_a_slate_between_two_talks_ends_nothing() -> None:
    """It had given way to a talk that is planned, and goes on after that."""
    night = over(Night(event(Plan("c0", "event", loop=True), talks=(*TALKS, TOMORROW))))
    night.can_play("c0")
    night.passes(8 * HOUR - night.now)
    night.says_(ShowSlate(night.name(), "Good morning"))
    night.gives("next", 20)
    night.passes(60)
    assert plan_of(night.air) == "c0"


def test_nobody_else_uses_its_names() -> None:
    """A producer's talk of such a name or clip is refused, for the machine would take it for its own."""
    night = over(Night(event()))
    night.show.collect()
    night.says_(Add("named", "Mine", 5.0, ("thony",), talk="again-mine"))
    night.says_(Add("clipped", "Mine", 5.0, clip="again-p1-0-one"))
    _, answers = night.show.collect()
    assert [answer.error and answer.error["code"] for answer in answers] == ["reserved", "reserved"]


def test_producers_ask_for_it_and_take_it_back() -> None:
    """A command is a plan in the state; cancelled, what is to come of it is left out."""
    night = over(Night(event()))
    night.says_(Reair(night.name(), "one", START + 5 * HOUR))
    (plan,) = night.show.state.plans
    assert (plan.what, plan.at, plan.loop) == ("one", START + 5 * HOUR, False)
    night.can_play(plan.id)
    night.passes(60)
    assert sum(plan_of(item.talk.id) is not None for item in night.show.state.rundown) == 2
    night.says_(CancelReair(night.name(), plan.id))
    night.passes(6 * HOUR)
    assert night.show.state.plans == ()
    assert not any(plan_of(air) for _, air in night.seen)


def test_now_means_now() -> None:
    """Without an hour it begins at once."""
    night = over(Night(event()))
    night.says_(Reair(night.name(), "event"))
    night.can_play(night.show.state.plans[0].id)
    night.passes(60)
    assert plan_of(night.air) == night.show.state.plans[0].id


@pytest.mark.parametrize(("what", "code"), [("nobody", "unknown_talk"), ("two", "not_recorded")])
def test_what_cannot_be_is_refused(what: str, code: str) -> None:
    """Only what was on air can be again."""
    night = Night(event())
    night.gives("one", 1)
    night.show.collect()
    night.says_(Reair("asked", what))
    _, answers = night.show.collect()
    assert [answer.error["code"] for answer in answers if answer.error] == [code]


def test_after_a_restart_it_goes_on() -> None:
    """The journal brings back the plan and its talks, and the next one follows."""
    planned = event(Plan("c0", "event", START + 5 * HOUR))
    night = over(Night(planned))
    night.can_play("c0")
    night.passes(5 * HOUR - night.now + 60)
    records, _ = night.show.collect()
    again = Night(planned, night.now)
    assert again.show.replay(records, night.now) == 0
    again.show.restarted(at(night.now))
    again.can_play("c0")
    again.passes(30 * 60)
    assert again.air == SECOND


@given(st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)), st.sampled_from(
    ["Asia/Kolkata", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]
))  # fmt: skip
def test_the_hour_is_the_wall_clocks(naive: datetime, name: str) -> None:
    """The clock there shows the hour that was asked for; one that is left out comes as much later."""
    zone = ZoneInfo(name)
    naive = naive.replace(second=0, microsecond=0)
    shown = datetime.fromtimestamp(moment(naive.isoformat(), zone), zone)
    if shown.replace(tzinfo=None) != naive:
        gap = shown.replace(tzinfo=None) - naive
        assert timedelta(0) < gap <= timedelta(hours=2)
        before = (shown - timedelta(hours=3)).astimezone(UTC).astimezone(zone)
        assert before.utcoffset() != shown.utcoffset()
    else:
        assert shown.fold == 0


def test_the_hour_in_mumbai() -> None:
    """Nine in Kolkata is half past three in London's winter."""
    assert (
        moment("2023-06-08T09:00", ZoneInfo("Asia/Kolkata"))
        == datetime(2023, 6, 8, 3, 30, tzinfo=UTC).timestamp()
    )
    with pytest.raises(ValueError):
        moment("2023-06-08T09:00+02:00", ZoneInfo("Asia/Kolkata"))
