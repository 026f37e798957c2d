"""Random shows: commands of several people, dying and returning feeds, a mixer that crashes, restarts."""

import dataclasses
import json
import os
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from signaling.event import LAYOUTS, Moment, Person
from signaling.facts import Aborted, Began, Confirmed, FellBack, Record, decode, encode
from signaling.handoff import COMMIT_SECONDS, PREPARE_SECONDS, RESTART_SECONDS, Phase
from signaling.orders import Command, Cue, PassFloor, Ready, SetScene, ShowSlate, Take
from signaling.refusal import Refused
from signaling.rundown import TalkState
from signaling.show import Show
from signaling.state import State
from signaling.views import StateTexts
from tests.signaling.stagehand import EVENT, LANVIN, PIA, PING, SPEAKERS, THONY, VERMAST, VIEWER, FakeStage

TALKS = st.sampled_from([*(talk.id for talk in EVENT.talks), "nosuch"])
FEEDS = st.sampled_from(["thony", "lanvin", "vermast", "lanvin.slides", "thony.slides", "clip.film"])
PRODUCER = st.sampled_from([PING, PIA])
ANYBODY = st.sampled_from([PING, PIA, *SPEAKERS])
SEQUENCES = int(os.environ.get("PAVILION_SEQUENCES", "300"))


class Shows(RuleBasedStateMachine):
    """Drives a `Show` as the desk does, and a mixer that obeys, late or never."""

    @initialize()
    def begin(self) -> None:
        self.stage = FakeStage()
        self.now = Moment(100.0, 1680069600.0)
        self.show = Show(EVENT, self.stage, self.now.wall)
        self.journal: list[Record] = []
        self.given: list[tuple[Person, Command]] = []
        self.answered: dict[tuple[str, str], Any] = {}
        self.serial = 0
        self.began: dict[str, float] = {}
        self.ended: set[str] = set()
        self.limit = PREPARE_SECONDS + COMMIT_SECONDS
        self.pictures: list[str] = []
        self.seen = self.show.state

    # ---- what the world does

    @rule(person=ANYBODY)
    def comes(self, person: Person) -> None:
        self.show.came(person.id, self.now)

    @rule(person=ANYBODY)
    def leaves(self, person: Person) -> None:
        self.show.left(person.id, self.now)

    @rule(feed=FEEDS)
    def feed_comes(self, feed: str) -> None:
        self.stage.fresh.add(feed)
        owner = "" if feed.startswith("clip.") else feed.split(".")[0]
        self.show.feed_up(feed, owner, "camera", self.now)

    @rule(feed=FEEDS, noticed=st.booleans())
    def feed_dies(self, feed: str, noticed: bool) -> None:
        self.stage.fresh.discard(feed)
        if noticed:
            self.show.feed_down(feed, "silent", self.now)

    @rule(up=st.booleans())
    def mixer_crashes_or_returns(self, up: bool) -> None:
        self.stage.up = up
        self.show.tick(self.now)

    @rule()
    def mixer_obeys(self) -> None:
        if self.stage.up:
            self.show.shown(self.show.state.floor.picture.token, self.now)

    @rule(back=st.integers(1, 30))
    def mixer_speaks_of_an_old_picture(self, back: int) -> None:
        before = self.show.state
        token = str(max(0, before.revision - back))
        self.show.shown(token, self.now)
        if token != before.floor.picture.token:
            assert self.show.state.floor.air.talk in (before.floor.air.talk, None, before.floor.air.held)

    @rule(seconds=st.sampled_from([0.01, 0.05, 0.2, 0.5, 1.0, 3.0]))
    def time_passes(self, seconds: float) -> None:
        steps = max(1, round(seconds / 0.05))
        for _ in range(steps):
            step = seconds / steps
            self.now = Moment(self.now.mono + step, self.now.wall + step)
            self.show.tick(self.now)

    # ---- what people do

    @rule(person=ANYBODY, who=st.sampled_from([None, "thony", "lanvin", "nosuch"]), ready=st.booleans())
    def says_ready(self, person: Person, who: str | None, ready: bool) -> None:
        self.give(person, Ready(self.new_id(), ready, who))

    @rule(person=ANYBODY, talk=st.none() | TALKS, force=st.booleans(), age=st.none() | st.integers(-2, 9))
    def cues(self, person: Person, talk: str | None, force: bool, age: int | None) -> None:
        self.give(person, Cue(self.new_id(), talk, force, revision=self.revision(age)))

    @rule(
        person=ANYBODY,
        talk=st.none() | TALKS,
        force=st.booleans(),
        transition=st.sampled_from(["cut", "dissolve"]),
        age=st.none() | st.integers(-2, 9),
    )
    def takes(self, person: Person, talk: str | None, force: bool, transition: str, age: int | None) -> None:
        self.give(person, Take(self.new_id(), talk, transition, force, revision=self.revision(age)))

    @rule(producer=PRODUCER, talk=TALKS)
    def takes_as_rehearsed(self, producer: Person, talk: str) -> None:
        """Everybody of the talk is there and ready, so that most shows get somewhere."""
        plan = EVENT.talk(talk)
        for speaker in plan.speakers if plan else ():
            self.show.came(speaker, self.now)
            self.give(producer, Ready(self.new_id(), True, speaker))
        self.stage.fresh.update(plan.feeds if plan else ())
        self.stage.up = True
        self.give(producer, Take(self.new_id(), talk))
        self.mixer_obeys()

    @rule(person=ANYBODY, title=st.none() | st.just("Lunch"), hold=st.booleans())
    def slates(self, person: Person, title: str | None, hold: bool) -> None:
        self.give(person, ShowSlate(self.new_id(), title, hold=hold))

    @rule(person=ANYBODY, layout=st.sampled_from(LAYOUTS))
    def changes_scene(self, person: Person, layout: str) -> None:
        self.give(person, SetScene(self.new_id(), layout))

    @rule(person=st.sampled_from([THONY, LANVIN, VERMAST, PING]))
    def passes_the_floor(self, person: Person) -> None:
        self.give(person, PassFloor(self.new_id()))

    @rule(data=st.data())
    def repeats_an_old_command(self, data: st.DataObject) -> None:
        """A page that lost its connection sends again what it had sent."""
        if self.given:
            person, command = data.draw(st.sampled_from(self.given[-20:]))
            before = self.observe()
            self.show.command(person, command, self.now)
            assert self.observe() == before, "the same id acted twice"

    @rule(data=st.data())
    def reuses_an_id(self, data: st.DataObject) -> None:
        if self.given:
            person, command = data.draw(st.sampled_from(self.given[-20:]))
            other = SetScene(command.id, "grid", "dissolve", revision=7)
            before = self.show.state
            with pytest.raises(Refused, match="id_reused"):
                self.show.command(person, other, self.now)
            assert self.show.state == before

    @rule()
    def killed_and_restarted(self) -> None:
        """Only what was journalled is left."""
        self.absorb()
        before = self.show.state
        records = [dataclasses.replace(record, facts=decode(encode(record.facts))) for record in self.journal]
        self.show = Show(EVENT, self.stage, 1680069600.0)
        assert self.show.replay(records, self.now.mono) == 0, "every journalled fact fits"
        assert _lasting(self.show.state) == _lasting(before)
        self.show.restarted(self.now)
        after = self.show.state
        assert after.floor.air.talk == before.floor.air.talk
        assert after.rundown == before.rundown
        assert after.revision > before.revision
        assert not any(seat.connected or seat.feeds for seat in after.roster.seats.values())
        assert {key: seat.ready for key, seat in after.roster.seats.items()} == {
            key: seat.ready for key, seat in before.roster.seats.items()
        }
        if after.hand_off is not None:
            assert after.hand_off.phase is Phase.COMMIT
            self.began[after.hand_off.order.token] = self.now.mono + RESTART_SECONDS - self.limit
        self.forget_refusals()
        for key in self.answered:
            assert self.show.answers.answer(*key) is not None, "an acknowledged command was lost"

    @rule(person=st.sampled_from([None, PING, THONY, VIEWER]))
    def somebody_connects(self, person: Person | None) -> None:
        """They are told one thing that is on air, the same in every place."""
        told = json.loads(StateTexts(self.show.state, self.now.wall).text(person))
        live = [talk["id"] for talk in told["talks"] if talk["state"] == "live"]
        assert live == ([told["air"]["talk"]] if told["air"]["kind"] == "talk" else [])
        assert (told["air"]["layout"] == "slate") == (told["air"]["kind"] == "slate")
        assert told["revision"] == self.show.state.revision

    # ---- what must hold

    @invariant()
    def one_thing_is_on_air(self) -> None:
        state = self.show.state
        states = [state.rundown.state(item) for item in state.rundown]
        assert states.count(TalkState.LIVE) == (state.floor.air.talk is not None)
        assert state.rundown.live == state.floor.air.talk
        assert state.rundown.held == state.floor.air.held
        assert state.floor.air.talk is None or state.floor.air.held is None
        assert states.count(TalkState.STANDBY) == (state.rundown.standby is not None)
        assert state.rundown.standby is None or state.rundown.standby != state.rundown.live
        on_air = state.live.speakers if state.live else ()
        for person_id in state.roster.seats:
            assert (state.person_state(person_id) == "on_air") == (person_id in on_air)

    @invariant()
    def the_mixer_shows_what_is_on_air_or_about_to_be(self) -> None:
        floor = self.show.state.floor
        if floor.hand_off is None or floor.hand_off.phase is Phase.PREPARE:
            assert (floor.picture.talk, floor.picture.token) == (floor.air.talk, floor.air.token)
        staged = {talk.id for talk in self.show.state.staged}
        assert {floor.air.talk, floor.picture.talk, self.show.state.rundown.standby} <= staged | {None}

    @invariant()
    def what_has_left_the_air_is_over(self) -> None:
        state = self.show.state
        for item in state.rundown:
            if item.started is not None and item.talk.id not in (state.rundown.live, state.rundown.held):
                assert state.rundown.is_over(item)
                assert item.ended is not None

    @invariant()
    def a_new_picture_has_a_new_name(self) -> None:
        token = self.show.state.floor.picture.token
        if token not in self.pictures[-1:]:
            assert token not in self.pictures, "the mixer could take it for the old one"
            self.pictures.append(token)

    @invariant()
    def nothing_moves_between_commit_and_its_end(self) -> None:
        before, self.seen = self.seen.floor, self.show.state
        after = self.seen.floor
        if before.hand_off and before.hand_off.phase is Phase.COMMIT and after.hand_off:
            same = after.hand_off.order.token == before.hand_off.order.token
            assert not same or after.air == before.air

    @invariant()
    def each_hand_off_ends_in_time(self) -> None:
        self.absorb()
        assert set(self.began) - self.ended <= ({self.running()} if self.running() else set())
        for token in set(self.began) - self.ended:
            assert self.now.mono - self.began[token] <= self.limit + 0.11, "a hand-off hangs"

    # ---- helpers

    def forget_refusals(self) -> None:
        """Refusals are not journalled: they changed nothing, and after a restart may be decided anew."""
        kept = {(record.person, record.id) for record in self.journal}
        self.given = [(person, command) for person, command in self.given if (person.id, command.id) in kept]
        self.answered = {key: answer for key, answer in self.answered.items() if key in kept}

    def running(self) -> str | None:
        hand_off = self.show.state.hand_off
        return hand_off.order.token if hand_off else None

    def new_id(self) -> str:
        self.serial += 1
        return f"c{self.serial}"

    def revision(self, age: int | None) -> int | None:
        return None if age is None else max(0, self.show.state.revision - age)

    def observe(self) -> tuple[State, int]:
        self.absorb()
        return self.show.state, len(self.journal)

    def give(self, person: Person, command: Command) -> None:
        self.show.tick(self.now)
        before, lines = self.observe()
        self.given.append((person, command))
        self.show.command(person, command, self.now)
        after, _ = self.observe()
        error = self.answered.get((person.id, command.id))
        if error is not None and not any(
            isinstance(fact, Began) for record in self.journal[lines:] for fact in record.facts
        ):
            assert after == before, f"a refused command changed the state: {error}"
            assert len(self.journal) == lines, "a refused command was journalled"
        seen = command.revision
        if seen is not None and seen < before.moved and (person.id, command.id) in self.answered:
            assert error is not None, "a stale command was carried out"

    def absorb(self) -> None:
        records, answers = self.show.collect()
        self.journal += records
        for answer in answers:
            key = (answer.person, answer.id)
            assert self.answered.get(key, answer.error) == answer.error, "two answers to one command"
            self.answered[key] = answer.error
        for record in records:
            for fact in record.facts:
                if isinstance(fact, Began):
                    self.began[fact.token] = self.now.mono
                elif isinstance(fact, Confirmed | Aborted) and fact.token in self.began:
                    self.ended.add(fact.token)
                elif isinstance(fact, FellBack) and fact.ends:
                    self.ended |= set(self.began)


def _lasting(state: State) -> Any:
    """The state without the monotonic deadline, which means nothing in another life."""
    running = state.hand_off
    order = (running.order, running.phase) if running else None
    return dataclasses.replace(state, floor=dataclasses.replace(state.floor, hand_off=None)), order


TestShows = Shows.TestCase
TestShows.settings = settings(max_examples=SEQUENCES, stateful_step_count=40, deadline=None)
