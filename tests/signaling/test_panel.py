"""Panels that lose people, clips that end, and talks that go on by themselves."""

from dataclasses import replace

from signaling.event import Role, Talk
from signaling.facts import Lost
from signaling.handoff import PREPARE_SECONDS, Phase
from signaling.orders import Cue, Extend, PassFloor, Ready, Reslate, Retitle, SetScene, ShowSlate, Skip, Take
from signaling.views import common_state
from tests.signaling.rehearsal import Rehearsal
from tests.signaling.stagehand import EVENT, THONY, at

THEN_AUTOMATIC = replace(
    EVENT,
    talks=tuple(replace(talk, automatic=talk.id in ("panel", "break")) for talk in EVENT.talks),
)


def lost(show: Rehearsal) -> tuple[str, ...]:
    return show.show.state.floor.air.lost


def test_the_other_stays() -> None:
    """Who dies on a panel is left out of the picture at once, and back soon after they are."""
    show = Rehearsal()
    show.on_air("panel")
    before = show.show.state.floor.picture
    show.stage.fresh.discard("vermast")
    show.wait(0.1)
    assert show.air == "panel"
    assert lost(show) == ("vermast",)
    picture = show.show.state.floor.picture
    assert picture.lost == ("vermast",)
    assert picture.token != before.token, "the mixer is told"
    problem = show.show.state.problem
    assert problem is not None
    assert problem.code == "feed_lost"
    assert problem.message == "No picture from Frans-Anton Vermast; the others go on."
    show.stage.fresh.add("vermast")
    show.wait(0.1)
    assert lost(show) == ("vermast",)
    show.wait(0.3)
    assert lost(show) == ()
    assert show.show.state.problem is None


def test_the_slate_only_when_nothing_is_left() -> None:
    """When the second dies too the talk falls back, and it returns with whoever returns."""
    show = Rehearsal()
    show.on_air("panel")
    show.stage.fresh.discard("vermast")
    show.wait(0.2)
    show.stage.fresh.discard("thony")
    show.wait(0.1)
    assert show.air is None
    show.stage.fresh.add("vermast")
    show.wait(0.3)
    assert show.air == "panel"
    assert lost(show) == ("thony",)
    problem = show.show.state.problem
    assert problem is not None
    assert problem.code == "feed_lost", "producers read who is still away"
    show.stage.fresh.add("thony")
    show.wait(0.5)
    assert show.show.state.problem is None


def test_one_back_as_the_other_goes() -> None:
    """Who has only just come back is better than an empty picture."""
    show = Rehearsal()
    show.on_air("panel")
    show.stage.fresh.discard("vermast")
    show.wait(0.2)
    show.stage.fresh.add("vermast")
    show.wait(0.05)
    show.stage.fresh.discard("thony")
    show.wait(0.1)
    assert show.air == "panel"
    assert lost(show) == ("thony",)


def test_a_flickering_line_does_not_flicker_on_air() -> None:
    """Each further fall within half a minute doubles the wait."""
    show = Rehearsal()
    show.on_air("panel")
    for _ in range(20):
        show.stage.fresh.discard("vermast")
        show.wait(0.3)
        show.stage.fresh.add("vermast")
        show.wait(0.3)
    changes = [fact for record in show.records for fact in record.facts if isinstance(fact, Lost)]
    assert len(changes) <= 4


def test_slides_alone() -> None:
    """Slides and camera are two pictures: either stays when the other is lost."""
    show = Rehearsal()
    show.on_air("two")
    show.show.feed_up("lanvin.slides", "lanvin", "slides", at(show.now))
    show.wait(0.2)
    assert lost(show) == ()
    show.stage.fresh.discard("lanvin")
    show.wait(0.1)
    assert (show.air, lost(show)) == ("two", ("lanvin",))
    show.stage.fresh.add("lanvin")
    show.wait(0.4)
    assert lost(show) == ()
    show.stage.fresh.discard("lanvin.slides")
    show.wait(0.1)
    assert (show.air, lost(show)) == ("two", ("lanvin.slides",))
    problem = show.show.state.problem
    assert problem is not None
    assert problem.message == "No picture from Bruno Lanvin (slides); the others go on."
    show.show.feed_down("lanvin.slides", "left", at(show.now))
    assert lost(show) == ()


def test_a_forced_panel_is_drawn_with_those_who_came() -> None:
    """Who was not there when the talk was taken by force is left out, and joins when they come."""
    show = Rehearsal()
    show.stage.fresh.add("thony")
    show.do(Take("t", "panel", force=True))
    show.wait(1.1)
    show.shown()
    show.wait(1.2)
    assert lost(show) == ("vermast",)
    show.stage.fresh.add("vermast")
    show.wait(0.4)
    assert lost(show) == ()


def test_the_end_of_a_clip_takes_what_is_on_standby() -> None:
    """A clip that has ended hands over by itself."""
    show = Rehearsal()
    show.on_air("one")
    show.on_air("film")
    show.stage.fresh.add("thony")
    show.do(Cue("c", "panel"))
    show.show.clip_ended("trailer", at(show.now))
    assert show.phase is None, "another clip is no concern"
    for person in ("thony", "vermast"):
        show.stage.fresh.add(person)
        show.show.came(person, at(show.now))
        show.do(Ready(f"again-{person}", True, person))
    show.show.clip_ended("film", at(show.now))
    show.shown()
    assert show.air == "panel"
    assert show.show.state.backstage.moves[-1].person == ""
    show.show.clip_ended("film", at(show.now))
    assert show.phase is None


def test_the_end_of_a_clip_without_anything_next() -> None:
    """The slate comes, the talk is over, and nobody is asked."""
    show = Rehearsal()
    show.on_air("film")
    show.show.clip_ended("film", at(show.now))
    show.shown()
    assert show.air is None
    assert show.show.state.floor.air.held is None
    item = show.show.state.rundown.item("film")
    assert item is not None
    assert item.ended is not None


def test_the_end_of_a_clip_when_the_next_is_not_there() -> None:
    """The slate comes, and the producers read why until the next hand-off."""
    show = Rehearsal()
    show.on_air("film")
    show.do(Cue("c", "one"))
    show.show.clip_ended("film", at(show.now))
    show.shown()
    assert show.air is None
    problem = show.show.state.problem
    assert problem is not None
    assert problem.code == "people_missing"
    show.on_air("panel")
    assert show.show.state.problem is None


def test_the_end_of_a_clip_when_the_next_has_no_picture() -> None:
    """A hand-off by itself that is aborted leads to the slate, not to a clip that stands still."""
    show = Rehearsal()
    show.on_air("one")
    show.on_air("film")
    show.stage.fresh.discard("thony")
    show.do(Cue("c", "one", force=True))
    show.do(Ready("again", True, "thony"))
    show.show.clip_ended("film", at(show.now))
    show.wait(PREPARE_SECONDS + 0.2)
    assert show.show.state.floor.hand_off is not None
    assert show.show.state.floor.hand_off.target == "slate"
    show.shown()
    assert show.air is None


def follows(show: Rehearsal) -> str | None:
    """What the speakers' pages say that comes when the floor is passed."""
    return common_state(show.show.state, Role.SPEAKER, show.now)["follows"]


def test_an_automatic_talk() -> None:
    """It follows a clip by itself, and when its speaker passes the floor, but no slate."""
    show = Rehearsal(THEN_AUTOMATIC)
    show.on_air("film")
    assert [talk.id for talk in show.show.state.staged] == ["film", "break"], "its pictures are made ready"
    show.show.clip_ended("film", at(show.now))
    show.shown()
    assert show.air == "break"

    show = Rehearsal(THEN_AUTOMATIC)
    show.on_air("one")
    assert show.do(PassFloor("p"), THONY) == "nothing_on_standby"
    assert follows(show) is None, "and the speaker's page offers nothing else"
    show.do(Skip("s", "two"))
    show.on_air("panel")
    show.do(Skip("f", "film"))
    assert follows(show) == "break"
    assert show.do(PassFloor("q"), THONY) == "running"
    show.shown()
    assert show.air == "break"
    show.do(ShowSlate("e"))
    show.shown()
    show.wait(60)
    assert show.air is None


def test_a_clip_that_ends_while_the_mixer_is_late() -> None:
    """The hand-off from it fails, and it is not played again: the slate comes."""
    show = Rehearsal()
    show.on_air("film")
    show.stage.fresh.add("thony")
    show.do(Take("t", "one", force=True))
    show.show.clip_ended("film", at(show.now))
    show.wait(2.1)
    assert show.answers["t"] == "mixer_late"
    assert show.show.state.floor.picture.talk is None
    show.shown()
    assert show.air is None


def test_a_clip_goes_on_after_a_hand_off_that_failed() -> None:
    """It is the same airing, under another token; taken once more it is another."""
    show = Rehearsal()
    show.on_air("film")
    first = show.show.state.floor.picture
    show.stage.fresh.add("thony")
    show.do(Take("t", "one", force=True))
    show.wait(2.1)
    again = show.show.state.floor.picture
    assert (again.talk, again.airing) == ("film", first.airing)
    assert again.token != first.token
    show.do(ShowSlate("s"))
    show.shown()
    show.do(Take("u", "film", force=True))
    show.shown()
    assert show.show.state.floor.picture.airing != first.airing


def test_a_restart_during_a_clip() -> None:
    """Who shows it is told since when it is on air; of one that is taken now, that it begins."""
    show = Rehearsal()
    show.do(Take("t", "film", force=True))
    show.wait(1.1)
    assert show.show.state.floor.picture.since is None
    show.shown()
    since = show.show.state.floor.air.since
    show.wait(7)
    show.restart()
    assert show.show.state.floor.picture.since == since


def test_a_restart_after_a_clip() -> None:
    """What had to follow the clip still does."""
    show = Rehearsal()
    show.on_air("film")
    show.show.clip_ended("film", at(show.now))
    show.restart()
    show.wait(12)
    show.shown()
    assert show.air is None


def test_edits_on_air_are_seen_at_once() -> None:
    """Another title or slate is a new picture of the same talk; a longer talk is not."""
    show = Rehearsal()
    show.on_air("one")
    token = show.show.state.floor.picture.token
    show.do(Extend("e", "one", 5))
    show.do(Reslate("s", "Lunch"))
    assert show.show.state.floor.picture.token == token
    show.do(Retitle("t", "one", "Anew"))
    assert show.show.state.floor.picture.token != token
    assert show.show.state.live == replace(EVENT.talks[0], title="Anew")
    show.do(SetScene("c", "grid"))
    show.do(ShowSlate("e2"))
    show.shown()
    assert show.show.state.floor.air.slate.title == "Lunch"
    token = show.show.state.floor.picture.token
    show.do(Reslate("s2", message="Back at two"))
    picture = show.show.state.floor.picture
    assert (picture.slate.title, picture.slate.message) == ("Lunch", "Back at two")
    assert picture.token != token


def test_what_is_about_to_be_shown_is_not_edited() -> None:
    """The mixer has been told already: the edit is refused, and done once what it edits is on air."""
    show = Rehearsal()
    show.on_air("film")
    show.stage.fresh.add("thony")
    show.do(Take("t", "one", force=True))
    assert show.phase is Phase.COMMIT
    assert show.do(Retitle("a", "one", "Anew")) == "hand_off_running"
    assert show.do(Retitle("b", "two", "Another")) is None
    assert show.do(Reslate("c", "Lunch")) is None
    show.shown()
    assert show.do(Retitle("d", "one", "Anew")) is None
    show.do(ShowSlate("e"))
    assert show.phase is Phase.COMMIT
    assert show.do(Reslate("f", "Dinner")) == "hand_off_running"
    show.shown()
    token = show.show.state.floor.picture.token
    assert show.do(Reslate("g", "Dinner")) is None
    picture = show.show.state.floor.picture
    assert (picture.slate.title, picture.token != token) == ("Dinner", True)


def test_edits_of_a_config_that_has_changed() -> None:
    """Edits of talks that are no longer there are left out at the next start, and the rest stays."""
    show = Rehearsal()
    show.do(Retitle("a", "one", "Anew"))
    show.do(Extend("b", "film", 5))
    left = replace(EVENT, talks=(*EVENT.talks[:3], Talk("more", "More", ("lanvin",))))
    assert show.restart(left) == 1
    assert [item.talk.title for item in show.show.state.rundown] == ["Anew", "Reinventing", "Panel", "More"]
