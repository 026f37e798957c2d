"""The show in scenes that random sequences seldom reach: each with the end that the people would expect."""

from dataclasses import replace
from itertools import pairwise

import pytest

from signaling.event import Moment
from signaling.facts import Aborted
from signaling.handoff import PREPARE_SECONDS, Phase
from signaling.orders import Cue, PassFloor, Ready, SetScene, ShowSlate, Take
from signaling.show import Show
from tests.signaling.rehearsal import Rehearsal
from tests.signaling.stagehand import EVENT, LANVIN, PIA, PING, THONY, FakeStage, at


def test_prepare_waits_for_the_first_picture() -> None:
    """A talk that was not on standby has a second to show its picture."""
    show = Rehearsal()
    show.on_air("film")
    show.show.came("thony", at(0))
    show.do(Ready("r", True), THONY)
    assert show.do(Take("t", "one")) == "running"
    assert show.phase is Phase.PREPARE
    assert [talk.id for talk in show.show.state.staged] == ["film", "one"]
    show.wait(0.5)
    show.stage.fresh.add("thony")
    show.wait(0.05)
    assert show.phase is Phase.COMMIT
    show.shown()
    assert show.air == "one"
    assert show.answers["t"] is None


def test_what_cannot_be_decoded_stays_off_the_air() -> None:
    """A talk on standby whose encoder sends garbage: the take waits for a picture in vain, and the talk on
    air stays; one that is on air when it begins gives way to the slate, and is back with its pictures."""
    show = Rehearsal()
    show.on_air("film")
    show.show.came("thony", at(0))
    show.do(Ready("r", True), THONY)
    show.do(Cue("c", "one"))
    show.stage.fresh.add("thony")
    show.stage.garbled.add("thony")
    assert show.do(Take("t", "one")) == "running"
    show.wait(PREPARE_SECONDS + 0.1)
    assert (show.answers["t"], show.air) == ("no_picture", "film")
    show.stage.garbled.clear()
    show.do(Take("u", "one"))
    show.shown()
    assert (show.answers["u"], show.air) == (None, "one")
    show.wait(1.0)
    show.stage.garbled.add("thony")
    show.wait(0.2)
    assert (show.air, show.show.state.floor.air.held) == (None, "one")
    show.stage.garbled.clear()
    show.wait(0.5)
    assert show.air == "one"


@pytest.mark.parametrize("code", ["not_ready", "people_missing"])
def test_who_goes_while_they_are_prepared_is_not_put_on_air(code: str) -> None:
    """Pictures that come after all change nothing: the take is refused, unless it is forced."""
    show = Rehearsal()
    show.on_air("film")
    for take, force in (("t", False), ("u", True)):
        show.show.came("thony", at(show.now))
        show.do(Ready(f"r{take}", True), THONY)
        assert show.do(Take(take, "one", force=force)) == "running"
        assert show.phase is Phase.PREPARE
        if code == "not_ready":
            show.do(Ready(f"n{take}", False), THONY)
        else:
            show.show.left("thony", at(show.now))
        show.stage.fresh.add("thony")
        show.wait(0.05)
        assert show.phase is (Phase.COMMIT if force else None)
        assert show.answers.get("t") == code
        show.stage.fresh.discard("thony")
    answer = show.show.answers.answer("ping", "t")
    assert answer is not None
    assert answer.error is not None
    assert answer.error["people"] == ["thony"]
    assert show.air == "film"


def test_prepare_without_a_picture_is_aborted() -> None:
    """No picture in that time: the take is refused, and what was on air stays."""
    show = Rehearsal()
    show.on_air("film")
    show.show.came("thony", at(0))
    show.do(Ready("r", True), THONY)
    show.do(Take("t", "one"))
    show.wait(PREPARE_SECONDS + 0.1)
    assert show.answers["t"] == "no_picture"
    assert show.air == "film"
    assert show.show.state.problem is not None
    show.do(Cue("c", "one"))
    assert show.do(Take("u")) == "no_picture", "a talk on standby must have its picture"
    assert show.do(Take("v", force=True)) == "running"
    show.wait(1.1)
    show.shown()
    assert show.air == "one"


def test_the_slate_ends_a_running_hand_off() -> None:
    """The slate is the emergency brake: it waits for nobody."""
    show = Rehearsal()
    show.on_air("one")
    show.stage.fresh.add("clip.film")
    assert show.do(Take("t", "film")) == "running"
    assert show.do(Take("u", "break"), PIA) == "hand_off_running"
    assert show.do(Cue("c", "break"), PIA) == "hand_off_running"
    assert show.do(SetScene("s", "grid"), PIA) == "hand_off_running"
    assert show.do(ShowSlate("e"), PIA) == "running"
    assert show.answers["t"] == "pre_empted"
    assert show.do(ShowSlate("f")) == "hand_off_running"
    show.shown()
    assert show.answers["e"] is None
    assert show.air is None


def test_the_slate_needs_no_mixer() -> None:
    """With the mixer down the slate is what will be seen, and the command ends in time."""
    show = Rehearsal()
    show.on_air("one")
    show.stage.up = False
    assert show.do(ShowSlate("e", "Lunch")) == "running"
    show.wait(2.1)
    assert show.answers["e"] is None
    assert show.air is None
    assert show.show.state.floor.picture.slate.title == "Lunch"


def test_both_dead_is_the_slate() -> None:
    """When a hand-off fails and what was on air has died meanwhile, the slate takes over."""
    show = Rehearsal()
    show.on_air("one")
    show.stage.fresh.add("clip.film")
    show.do(Take("t", "film"))
    show.stage.fresh.discard("thony")
    show.wait(1.9)
    assert show.air == "one", "between commit and its end nothing else moves"
    show.wait(0.2)
    assert show.answers["t"] == "mixer_late"
    assert show.air is None
    assert show.show.state.floor.air.held == "one"
    assert show.phase is None


def test_a_late_mixer_changes_nothing() -> None:
    """The first frame of a picture that was given up is not news."""
    show = Rehearsal()
    show.on_air("one")
    show.stage.fresh.add("clip.film")
    show.do(Take("t", "film"))
    token = show.show.state.floor.picture.token
    show.wait(2.1)
    before = show.show.state
    show.show.shown(token, at(show.now))
    assert show.show.state == before
    assert show.show.state.floor.picture.talk == "one"


def test_held_by_hand() -> None:
    """A slate with hold interrupts the talk; it comes back by a take without force, and never by itself."""
    show = Rehearsal()
    show.on_air("one")
    show.do(ShowSlate("e", hold=True))
    show.shown()
    show.wait(5)
    assert show.air is None
    assert show.show.state.person_state("thony") == "standby"
    assert show.do(Take("t", "one")) == "running"
    show.shown()
    assert show.air == "one"
    item = show.show.state.rundown.item("one")
    assert item is not None
    assert item.started == at(0).wall
    show.do(ShowSlate("f"))
    show.shown()
    assert show.do(Take("u", "one")) == "talk_over"
    assert show.show.state.person_state("thony") == "green_room", "readiness ends with the talk"


def test_held_by_hand_just_after_the_picture_failed() -> None:
    """Who holds the talk may press as it dies: it waits for a take all the same, and who had decided on
    another before that looks again."""
    show = Rehearsal()
    show.on_air("one")
    show.stage.fresh.clear()
    show.wait(0.3)
    assert show.show.state.floor.air.returns
    seen = show.show.state.revision
    show.do(ShowSlate("e", "Back at three", hold=True))
    show.shown()
    show.stage.fresh.update(("thony", "clip.film"))
    show.wait(5)
    assert show.air is None
    assert show.show.state.floor.air.held == "one"
    assert show.show.state.floor.picture.slate.title == "Back at three"
    assert show.do(Take("t", "film", revision=seen)) == "stale"
    assert show.do(Take("u", "one")) == "running"
    show.shown()
    assert show.air == "one"


def test_another_talk_ends_the_one_that_fell() -> None:
    """A talk that fell back is over as soon as another is taken, and does not return."""
    show = Rehearsal()
    show.on_air("one")
    show.stage.fresh.clear()
    show.wait(0.2)
    assert show.air is None
    show.on_air("film")
    show.stage.fresh.add("thony")
    show.wait(2)
    assert show.air == "film"
    assert show.do(Cue("c", "one")) == "talk_over"


def test_who_dies_between_commit_and_first_frame_gets_no_grace() -> None:
    """The pictures had been there: without them the slate comes as soon as for any other."""
    show = Rehearsal()
    show.on_air("film")
    show.show.came("thony", at(show.now))
    show.do(Ready("r", True), THONY)
    show.stage.fresh.add("thony")
    assert show.do(Take("t", "one")) == "running"
    assert show.phase is Phase.COMMIT
    show.stage.fresh.discard("thony")
    show.wait(0.05)
    show.shown()
    assert show.air == "one"
    show.wait(0.1)
    assert show.air is None
    assert show.show.state.floor.air.held == "one"


def test_a_wall_clock_that_is_set_back() -> None:
    """Nothing ends before it began, and the chapters stay in order."""
    show = Rehearsal()
    show.on_air("film")
    for talk, hours in (("break", 2), ("two", 1)):
        show.stage.fresh.update(("lanvin", "lanvin.slides"))
        back = Moment(show.now, at(show.now - hours * 3600).wall)
        show.show.command(PING, Take(talk, talk, force=True), back)
        show.show.shown(show.show.state.floor.picture.token, back)
        assert show.air == talk
    airings = show.show.state.airings
    assert [one.talk for one in airings] == ["film", "break", "two"]
    for one, two in pairwise(airings):
        assert one.end is not None
        assert one.start <= one.end <= two.start
    for item in show.show.state.rundown:
        assert item.ended is None or (item.started is not None and item.started <= item.ended)


def test_shared_slides_hold_the_air() -> None:
    """While the slides that a speaker shares are up, a dead camera does not end the talk."""
    show = Rehearsal()
    show.on_air("one")
    show.show.feed_up("thony.slides", "thony", "slides", at(show.now))
    show.stage.fresh.discard("thony")
    show.wait(1)
    assert show.air == "one"
    show.show.feed_down("thony.slides", "left", at(show.now))
    show.wait(0.2)
    assert show.air is None


def test_a_speaker_without_a_page() -> None:
    """An encoder that only sends can be taken; a closed page makes its person absent at once."""
    show = Rehearsal()
    show.show.feed_up("thony", "thony", "camera", at(0))
    assert show.show.state.person_state("thony") == "green_room"
    show.stage.fresh.add("thony")
    assert show.do(Ready("r", True, "thony")) is None
    assert show.do(Take("t", "one")) == "running"
    show.show.feed_up("lanvin", "lanvin", "camera", at(0))
    show.show.came("lanvin", at(0))
    show.show.left("lanvin", at(0))
    assert show.show.state.person_state("lanvin") == "absent", "the feed is only not yet noticed dead"


def test_a_fault_changes_nothing() -> None:
    """If applying a fact fails half-way, the state is as it was before."""
    show = Rehearsal()
    show.on_air("one")
    show.stage.fresh.add("clip.film")
    show.do(Take("t", "film"))
    before = show.show.state
    assert before.hand_off is not None
    order = before.hand_off.order
    with pytest.raises(AssertionError):
        show.show._act([Aborted(order.token, "x", "x"), order, order], at(0))
    assert show.show.state == before


def test_roles_and_seats() -> None:
    """Only the speaker on air passes the floor; speakers speak for themselves alone."""
    show = Rehearsal()
    show.on_air("one")
    assert show.do(PassFloor("p"), LANVIN) == "not_on_air"
    assert show.do(PassFloor("p")) == "role_forbidden"
    assert show.do(PassFloor("p"), THONY) == "nothing_on_standby"
    assert show.do(Ready("r", True, "lanvin"), THONY) == "role_forbidden"
    assert show.do(Ready("s", True, "pavilion")) == "unknown_person"
    assert show.do(Ready("t", True)) == "unknown_person", "a producer is no speaker"
    assert show.do(Cue("c", "film"), THONY) == "role_forbidden"
    assert show.do(Cue("d", "one")) == "already_on_air"


def test_stale_and_from_another_life() -> None:
    """A revision from before the last move, or from the future, is refused; one from after it is not."""
    show = Rehearsal()
    seen = show.show.state.revision
    show.do(Cue("a", "one"))
    assert show.do(Cue("b", "film", revision=seen)) == "stale"
    seen = show.show.state.revision
    show.show.came("thony", at(0))
    assert show.do(Cue("c", "film", revision=seen)) is None, "who comes and goes does not matter"
    assert show.do(Cue("d", "one", revision=show.show.state.revision + 1)) == "stale"


def test_a_picture_that_fails_makes_no_take_stale() -> None:
    """A take that was decided before the talk on air lost its picture is carried out; it is wanted now."""
    show = Rehearsal()
    show.on_air("one")
    show.stage.fresh.add("clip.film")
    show.do(Cue("c", "film"))
    seen = show.show.state.revision
    show.wait(2.0)
    show.stage.fresh.discard("thony")
    show.wait(1.0)
    assert show.air is None
    assert show.show.state.floor.air.held == "one"
    assert show.do(Take("t", revision=seen)) == "running"
    show.shown()
    assert show.air == "film"


def test_phases() -> None:
    """Before the first take, after it, and over when every talk is done."""
    show = Rehearsal(replace(EVENT, talks=EVENT.talks[3:]))
    rundown = show.show.state.rundown
    assert [item.start for item in rundown] == [at(0).wall, at(300).wall]
    assert rundown.phase == "before"
    show.on_air("film")
    show.on_air("break")
    assert show.show.state.rundown.phase == "live"
    show.do(ShowSlate("e"))
    show.shown()
    assert show.show.state.rundown.phase == "over"


def test_a_fault_of_ours_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gave the command is told that nothing has changed: so nothing has, and nothing is journalled."""
    show = Show(EVENT, FakeStage(), at(0).wall)
    show.command(PING, Cue("first", "one"), at(1))
    before, known = show.state, len(show.collect()[0])
    assert known

    def fault(now: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(show, "tick", fault)
        with pytest.raises(ZeroDivisionError):
            show.command(PING, Cue("second", None), at(2))
    assert show.state == before
    assert show.collect() == ([], [])
    show.command(PING, Cue("third", None), at(3))
    assert show.state.rundown.standby is None
