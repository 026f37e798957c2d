"""A world for a `Show` to live in: people and their commands, feeds that die and return, a mixer, restarts.

`World` has one method for each thing that may happen, and `check` holds all that must be true whatever does.
`ACTIONS` (actions.py) says with which arguments each may be called, so that a random generator can drive it
as well as hypothesis. Nothing here waits: time goes on by hand.
"""

import dataclasses
import json
from itertools import pairwise
from typing import Any

import pytest

from signaling.event import Moment, Person
from signaling.facts import Aborted, Began, Confirmed, FellBack
from signaling.handoff import COMMIT_SECONDS, PREPARE_SECONDS, RESTART_SECONDS, Air, Phase
from signaling.orders import (
    Acknowledge,
    Add,
    Admit,
    Automate,
    Command,
    Cue,
    Extend,
    Move,
    PassFloor,
    Ready,
    Redraw,
    Remove,
    Reslate,
    Retime,
    Retitle,
    SendText,
    SetLevel,
    SetScene,
    ShowSlate,
    Skip,
    Take,
    TalkBack,
    Unskip,
)
from signaling.records import Record, decode, encode
from signaling.refusal import Refused
from signaling.rundown import TalkState
from signaling.show import Show
from signaling.state import State
from signaling.succession import people_fit
from signaling.views import StateTexts
from tests.signaling.stagehand import EVENT, PING, FakeStage

START = 1680069600.0


class World:
    """Drives a `Show` as the desk does, and a mixer that obeys, late or never."""

    def __init__(self) -> None:
        self.stage = FakeStage()
        self.now = Moment(100.0, START)
        self.show = Show(EVENT, self.stage, self.now.wall)
        self.journal: list[Record] = []
        self.given: list[tuple[Person, Command]] = []
        self.answered: dict[tuple[str, str], Any] = {}
        self.serial = 0
        self.began: dict[str, float] = {}
        self.ended: set[str] = set()
        self.limit = PREPARE_SECONDS + COMMIT_SECONDS
        self.fell = False
        self.told: tuple[str, tuple[str, ...]] = ("", ())
        self.pictures: list[str] = []
        self.seen = self.show.state

    # ---- what the world does

    def comes(self, person: Person) -> None:
        """As the desk does: who has been removed is turned away."""
        if not self.seat(person.id).removed:
            self.show.came(person.id, self.now)

    def leaves(self, person: Person) -> None:
        self.show.left(person.id, self.now)
        self.show.tick(self.now)

    def feed_comes(self, feed: str) -> None:
        self.stage.fresh.add(feed)
        owner = "" if feed.startswith("clip.") else feed.split(".")[0]
        self.show.feed_up(feed, owner, "camera", self.now)

    def feed_dies(self, feed: str, noticed: bool) -> None:
        self.stage.fresh.discard(feed)
        if noticed:
            self.show.feed_down(feed, "silent", self.now)

    def clip_ends(self, clip: str) -> None:
        self.show.clip_ended(clip, self.now)
        assert not self.show.state.floor.air.ended or self.running(), "something follows at once"

    def mixer_crashes_or_returns(self, up: bool) -> None:
        self.stage.up = up
        self.show.tick(self.now)

    def mixer_obeys(self) -> None:
        if self.stage.up:
            self.show.shown(self.show.state.floor.picture.token, self.now)

    def mixer_speaks_of_an_old_picture(self, back: int) -> None:
        before = self.show.state
        token = str(max(0, before.revision - back))
        self.show.shown(token, self.now)
        if token != before.floor.picture.token:
            assert self.show.state.floor.air.talk in (before.floor.air.talk, None, before.floor.air.held)

    def time_passes(self, seconds: float) -> None:
        steps = max(1, round(seconds / 0.05))
        for _ in range(steps):
            step = seconds / steps
            self.now = Moment(self.now.mono + step, self.now.wall + step)
            self.show.tick(self.now)

    # ---- what people do on stage

    def says_ready(self, person: Person, who: str | None, ready: bool) -> None:
        self.give(person, Ready(self.new_id(), ready, who))

    def cues(self, person: Person, talk: str | None, force: bool, age: int | None) -> None:
        self.give(person, Cue(self.new_id(), talk, force, revision=self.revision(age)))

    def takes(self, person: Person, talk: str | None, force: bool, transition: str, age: int | None) -> None:
        self.give(person, Take(self.new_id(), talk, transition, force, revision=self.revision(age)))

    def takes_as_rehearsed(self, producer: Person, talk: str) -> None:
        """Everybody of the talk is there and ready, so that most shows get somewhere."""
        plan = self.show.state.rundown.talk(talk)
        for speaker in plan.speakers if plan else ():
            self.comes(self.seat(speaker).person)
            self.give(producer, Ready(self.new_id(), True, speaker))
        self.stage.fresh.update(plan.feeds if plan else ())
        self.stage.up = True
        self.give(producer, Take(self.new_id(), talk))
        self.mixer_obeys()

    def slates(self, person: Person, title: str | None, hold: bool) -> None:
        self.give(person, ShowSlate(self.new_id(), title, hold=hold))

    def changes_scene(self, person: Person, layout: str) -> None:
        self.give(person, SetScene(self.new_id(), layout))

    def passes_the_floor(self, person: Person) -> None:
        self.give(person, PassFloor(self.new_id()))

    # ---- what people do to the rundown

    def moves(self, person: Person, talk: str, before: str | None) -> None:
        self.give(person, Move(self.new_id(), talk, before))

    def adds(self, person: Person, who: str, talk: str | None, before: str | None, automatic: bool) -> None:
        clip, speakers = ("film", ()) if who == "film" else (None, (who,))
        new = Add(self.new_id(), "One more", 5.0, speakers, clip, talk, before, None, "full", automatic)
        self.give(person, new)

    def skips(self, person: Person, talk: str, skip: bool) -> None:
        self.give(person, (Skip if skip else Unskip)(self.new_id(), talk))

    def extends(self, person: Person, talk: str, minutes: float) -> None:
        self.give(person, Extend(self.new_id(), talk, minutes))

    def retimes(self, person: Person, talk: str, start: float | None, age: int | None) -> None:
        self.give(person, Retime(self.new_id(), talk, start, revision=self.revision(age)))

    def rewrites(self, person: Person, talk: str, word: str) -> None:
        self.give(person, Retitle(self.new_id(), talk, word))
        self.give(person, Reslate(self.new_id(), word))

    def redraws(self, person: Person, talk: str, layout: str, automatic: bool) -> None:
        self.give(person, Redraw(self.new_id(), talk, layout))
        self.give(person, Automate(self.new_id(), talk, automatic))

    # ---- what people do backstage

    def levels(self, person: Person, who: str, gain_db: float | None, muted: bool | None) -> None:
        self.give(person, SetLevel(self.new_id(), who, gain_db, muted))

    def talks_back(self, person: Person, on: bool, to: tuple[str, ...] | None) -> None:
        self.give(person, TalkBack(self.new_id(), on, to))

    def sends_text(self, person: Person, to: tuple[str, ...] | str) -> None:
        self.give(person, SendText(self.new_id(), to, "Wrap up"))

    def acknowledges(self, person: Person, back: int) -> None:
        texts = self.show.state.backstage.texts
        self.give(person, Acknowledge(self.new_id(), texts[-back].id if len(texts) >= back else "none"))

    def removes(self, person: Person, who: str) -> None:
        self.give(person, Remove(self.new_id(), who))
        seat = self.show.state.roster.seat(who)
        if seat is not None and seat.removed:  # as the desk and the stage do
            self.show.left(who, self.now)
            for feed in seat.feeds:
                self.feed_dies(feed, True)

    def admits(self, person: Person, who: str) -> None:
        self.give(person, Admit(self.new_id(), who))

    # ---- what goes wrong on the way

    def repeats_an_old_command(self, back: int) -> None:
        """A page that lost its connection sends again what it had sent."""
        if self.given:
            person, command = self.given[-min(back, len(self.given))]
            before = self.observe()
            self.show.command(person, command, self.now)
            assert self.observe() == before, "the same id acted twice"

    def reuses_an_id(self, back: int) -> None:
        if self.given:
            person, command = self.given[-min(back, len(self.given))]
            other = SetScene(command.id, "grid", "dissolve", revision=7)
            before = self.show.state
            with pytest.raises(Refused, match="id_reused"):
                self.show.command(person, other, self.now)
            assert self.show.state == before

    def killed_and_restarted(self) -> None:
        """Only what was journalled is left."""
        self.absorb()
        before = self.show.state
        records = [dataclasses.replace(record, facts=decode(encode(record.facts))) for record in self.journal]
        self.show = Show(EVENT, self.stage, START)
        assert self.show.replay(records, self.now.mono) == 0, "every journalled fact fits"
        assert lasting(self.show.state) == lasting(before)
        self.show.restarted(self.now)
        after = self.show.state
        assert after.floor.air.talk == before.floor.air.talk
        assert after.rundown == before.rundown
        assert after.revision > before.revision
        for key, seat in after.roster.seats.items():
            kept = dataclasses.replace(before.roster.seats[key], connected=False, left=False, feeds=())
            assert seat == kept
        assert not after.backstage.talkback
        if after.hand_off is not None:
            assert after.hand_off.phase is Phase.COMMIT
            self.began[after.hand_off.order.token] = self.now.mono + RESTART_SECONDS - self.limit
        self.forget_refusals()
        for key in self.answered:
            assert self.show.answers.answer(*key) is not None, "an acknowledged command was lost"

    def somebody_connects(self, person: Person | None) -> None:
        """They are told one thing that is on air, the same in every place."""
        told = json.loads(StateTexts(self.show.state, self.now.wall).text(person))
        live = [talk["id"] for talk in told["talks"] if talk["state"] == "live"]
        assert live == ([told["air"]["talk"]] if told["air"]["kind"] == "talk" else [])
        assert (told["air"]["layout"] == "slate") == (told["air"]["kind"] == "slate")
        assert told["revision"] == self.show.state.revision
        assert ("moves" in told) == (person == PING)
        for talk in told["talks"]:
            to_come = talk["state"] in ("planned", "standby") and talk["id"] != told["air"]["held"]
            assert (talk["expected"] is not None) == to_come
            assert talk["expected"] is None or talk["expected"] >= told["now"] - 1
            assert talk["expected"] is None or talk["expected"] <= told["forecast"]["end"]

    # ---- what must hold

    def check(self) -> None:
        """All of it, after whatever has happened."""
        self.one_thing_is_on_air()
        self.the_mixer_shows_what_is_on_air_or_about_to_be()
        self.what_has_left_the_air_is_over()
        self.a_new_picture_has_a_new_name()
        self.who_is_prepared_is_here_and_ready()
        self.nothing_moves_between_commit_and_its_end()
        self.what_is_on_air_says_what_it_was_told()
        self.each_hand_off_ends_in_time()
        self.the_chapters_say_what_was_on_air()
        self.only_what_fell_returns_by_itself()

    def one_thing_is_on_air(self) -> None:
        state = self.show.state
        states = [state.rundown.state(item) for item in state.rundown]
        assert states.count(TalkState.LIVE) == (state.floor.air.talk is not None)
        assert state.rundown.live == state.floor.air.talk
        assert state.rundown.held == state.floor.air.held
        assert state.floor.air.talk is None or state.floor.air.held is None
        assert states.count(TalkState.STANDBY) == (state.rundown.standby is not None)
        assert state.rundown.standby is None or state.rundown.standby != state.rundown.live
        assert len({item.talk.id for item in state.rundown}) == len(state.rundown)
        on_air = state.live.speakers if state.live else ()
        for person_id in state.roster.seats:
            assert (state.person_state(person_id) == "on_air") == (person_id in on_air)

    def the_mixer_shows_what_is_on_air_or_about_to_be(self) -> None:
        state, floor = self.show.state, self.show.state.floor
        if floor.hand_off is None or floor.hand_off.phase is Phase.PREPARE:
            assert (floor.picture.talk, floor.picture.token) == (floor.air.talk, floor.air.token)
        staged = {talk.id for talk in state.staged}
        assert {floor.air.talk, floor.picture.talk, state.rundown.standby} <= staged | {None}
        assert not floor.air.lost or floor.air.talk is not None

    def what_has_left_the_air_is_over(self) -> None:
        state = self.show.state
        for item in state.rundown:
            if item.started is not None and item.talk.id not in (state.rundown.live, state.rundown.held):
                assert state.rundown.is_over(item)
                assert item.ended is not None
            assert item.minutes > 0

    def a_new_picture_has_a_new_name(self) -> None:
        token = self.show.state.floor.picture.token
        if token not in self.pictures[-1:]:
            assert token not in self.pictures, "the mixer could take it for the old one"
            self.pictures.append(token)

    def who_is_prepared_is_here_and_ready(self) -> None:
        state, running = self.show.state, self.show.state.hand_off
        if running is not None and running.phase is Phase.PREPARE and not running.order.forced:
            talk = state.rundown.talk(running.order.talk)
            if talk is not None:
                people_fit(state, talk)

    def nothing_moves_between_commit_and_its_end(self) -> None:
        before, self.seen = self.seen.floor, self.show.state
        after = self.seen.floor
        if before.hand_off and before.hand_off.phase is Phase.COMMIT and after.hand_off:
            same = after.hand_off.order.token == before.hand_off.order.token
            assert not same or _shown(after.air) == _shown(before.air)

    def what_is_on_air_says_what_it_was_told(self) -> None:
        """A picture is told to the mixer once: its words change with its token, or not at all."""
        state = self.show.state
        picture, talk = state.floor.picture, state.rundown.talk(state.floor.picture.talk)
        words = (talk.title,) if talk is not None else (picture.slate.title, picture.slate.message)
        token, told = self.told
        assert picture.token != token or words == told, "what the mixer shows is out of date"
        self.told = picture.token, words

    def the_chapters_say_what_was_on_air(self) -> None:
        state = self.show.state
        airings = state.airings
        assert [one.talk for one in airings if one.end is None] == ([state.live.id] if state.live else [])
        assert all(
            one.end is not None and one.start <= one.end <= two.start for one, two in pairwise(airings)
        )
        assert {one.talk for one in airings} == {item.talk.id for item in state.rundown if item.started}

    def only_what_fell_returns_by_itself(self) -> None:
        self.absorb()
        assert not self.show.state.floor.air.returns or self.fell, "a slate that was asked for goes by itself"

    def each_hand_off_ends_in_time(self) -> None:
        self.absorb()
        open_ones = set(self.began) - self.ended
        running = self.running()
        assert open_ones <= ({running} if running else set())
        for token in open_ones:
            assert self.now.mono - self.began[token] <= self.limit + 0.11, "a hand-off hangs"

    # ---- helpers

    def seat(self, person_id: str) -> Any:
        return self.show.state.roster.seats[person_id]

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
                if isinstance(fact, Confirmed | FellBack):  # the slate of a late mixer has its order's name
                    self.fell = isinstance(fact, FellBack) and fact.token not in self.began
                if isinstance(fact, Began):
                    self.began[fact.token] = self.now.mono
                elif isinstance(fact, Confirmed | Aborted) and fact.token in self.began:
                    self.ended.add(fact.token)
                elif isinstance(fact, FellBack) and fact.ends:
                    self.ended |= set(self.began)


def _shown(air: Air) -> Air:
    """Without what an edit of the slate, a restart or the end of a clip may change, but not the picture."""
    return dataclasses.replace(air, slate=EVENT.slate, lost=(), ended=False)


def lasting(state: State) -> Any:
    """The state without the monotonic deadline, which means nothing in another life."""
    running = state.hand_off
    order = (running.order, running.phase) if running else None
    return dataclasses.replace(state, floor=dataclasses.replace(state.floor, hand_off=None)), order
