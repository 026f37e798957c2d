"""Every command in every state of the show: carried out, or refused with a code and nothing changed."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType

import pytest

from signaling.event import Moment, Person
from signaling.facts import Began
from signaling.orders import (
    Acknowledge,
    Add,
    AddTarget,
    Admit,
    Aim,
    Automate,
    CancelReair,
    Command,
    Cue,
    Edit,
    Extend,
    Move,
    PassFloor,
    Ready,
    Reair,
    Redraw,
    Remove,
    RemoveTarget,
    Reslate,
    Retime,
    Retitle,
    SendText,
    SetLevel,
    SetScene,
    ShowSlate,
    Skip,
    StartTarget,
    StopTarget,
    Take,
    TalkBack,
    Unskip,
)
from signaling.show import Show
from tests.signaling.stagehand import EVENT, LANVIN, PIA, PING, SCREEN, THONY, FakeStage, at


class Scene:
    """A show in a certain state, in which one command is tried."""

    def __init__(self) -> None:
        self.stage = FakeStage()
        self.show = Show(EVENT, self.stage, at(0).wall)
        self.now = at(0)

    def give(self, person: Person, command: Command) -> str:
        """`done`, `running` or the code of the refusal."""
        self.show.command(person, command, self.now)
        answer = self.show.answers.answer(person.id, command.id)
        if answer is None:
            return "running"
        return "done" if answer.error is None else str(answer.error["code"])

    def shown(self) -> None:
        self.show.shown(self.show.state.floor.picture.token, self.now)

    def wait(self, seconds: float) -> None:
        self.now = Moment(self.now.mono + seconds, self.now.wall + seconds)
        self.show.tick(self.now)


def before_the_show() -> Scene:
    return Scene()


def talk_on_air() -> Scene:
    """Talk `one` with its speaker, and everybody else here and ready."""
    scene = Scene()
    for person in ("thony", "lanvin", "vermast"):
        scene.show.came(person, scene.now)
        scene.show.feed_up(person, person, "camera", scene.now)
        scene.give(PING, Ready(f"ready-{person}", True, person))
    scene.stage.fresh = {"thony", "lanvin", "vermast", "lanvin.slides", "clip.film"}
    scene.give(PING, Take("air", "one"))
    scene.shown()
    return scene


def handing_off() -> Scene:
    """From `one` to `two`, which the mixer has not shown yet."""
    scene = talk_on_air()
    scene.give(PING, Take("off", "two"))
    return scene


def held() -> Scene:
    scene = talk_on_air()
    scene.give(PING, ShowSlate("hold", hold=True))
    scene.shown()
    return scene


def next_on_standby() -> Scene:
    scene = talk_on_air()
    scene.give(PING, Cue("next", "film"))
    return scene


def film_skipped_one_over() -> Scene:
    scene = talk_on_air()
    scene.give(PING, Skip("skip", "film"))
    scene.give(PING, Take("two", "two"))
    scene.shown()
    return scene


def mixer_down() -> Scene:
    scene = talk_on_air()
    scene.stage.up = False
    return scene


def thony_removed() -> Scene:
    scene = talk_on_air()
    scene.give(PING, Remove("out", "thony"))
    return scene


SCENES: tuple[Callable[[], Scene], ...] = (
    before_the_show,
    talk_on_air,
    handing_off,
    held,
    next_on_standby,
    film_skipped_one_over,
    mixer_down,
    thony_removed,
)

# Who says what, and the answer in each scene; `=` is `done` without any change, `+` `done`, `>` a hand-off.
TABLE: Mapping[str, tuple[Person, Command, tuple[str, ...]]] = MappingProxyType({
    name: (person, command, tuple(answers.split()))
    for name, person, command, answers in (
        ("ready", THONY, Ready("x", True), "+ = = = = + = removed"),
        ("ready for another", THONY, Ready("x", True, "lanvin"), "role_forbidden " * 7 + "removed"),
        ("ready by a producer", PING, Ready("x", True, "nosuch"), "unknown_person " * 8),
        ("ready by a screen", SCREEN, Ready("x", True), "role_forbidden " * 8),
        ("cue", PING, Cue("x", "film"), "+ + hand_off_running + = talk_over + +"),
        ("cue what is on", PING, Cue("x", "one"),
         "+ already_on_air already_on_air + already_on_air talk_over already_on_air already_on_air"),
        ("cue by a speaker", LANVIN, Cue("x", "film"), "role_forbidden " * 8),
        ("cue nothing", PING, Cue("x", None), "= = hand_off_running = + = = ="),
        ("cue nosuch", PING, Cue("x", "nosuch"), "unknown_talk " * 8),
        ("take standby", PING, Take("x"), "nothing_on_standby nothing_on_standby nothing_on_standby "
         "nothing_on_standby > nothing_on_standby nothing_on_standby nothing_on_standby"),
        ("take", PING, Take("x", "panel"),
         "people_missing > hand_off_running > > not_ready mixer_down people_missing"),
        ("take what is on", PING, Take("x", "one"),
         "people_missing already_on_air already_on_air > already_on_air talk_over already_on_air "
         "already_on_air"),
        ("take by force", PING, Take("x", "film", force=True),
         "> > hand_off_running > > > mixer_down >"),
        ("take by a speaker", LANVIN, Take("x", "two"), "role_forbidden " * 8),
        ("slate", PIA, ShowSlate("x"), "> > > > > > > >"),
        ("slate by a speaker", LANVIN, ShowSlate("x"), "role_forbidden " * 8),
        ("scene", PING, SetScene("x", "grid"),
         "not_on_air + hand_off_running not_on_air + + + +"),
        ("scene by a speaker", LANVIN, SetScene("x", "grid"), "role_forbidden " * 8),
        ("pass the floor", THONY, PassFloor("x"),
         "not_on_air nothing_on_standby nothing_on_standby not_on_air > not_on_air nothing_on_standby "
         "removed"),
        ("pass another's floor", LANVIN, PassFloor("x"),
         "not_on_air not_on_air not_on_air not_on_air not_on_air nothing_on_standby not_on_air not_on_air"),
        ("pass as a producer", PING, PassFloor("x"), "role_forbidden " * 8),
        ("move", PING, Move("x", "two", None), "+ + hand_off_running + + already_on_air + +"),
        ("move what is on", PING, Move("x", "one", None),
         "+ already_on_air already_on_air already_on_air already_on_air + already_on_air already_on_air"),
        ("move before nosuch", PING, Move("x", "panel", "nosuch"), "unknown_talk " * 8),
        ("move nowhere", PING, Move("x", "panel", "film"), "= " * 8),
        ("add", PING, Add("x", "More", 5.0, ("lanvin",)), "+ " * 8),
        ("add a second", PING, Add("x", "More", 5.0, ("lanvin",), talk="one"), "talk_exists " * 8),
        ("add nobody", PING, Add("x", "More", 5.0, ("pavilion",)), "unknown_person " * 8),
        ("add no clip", PING, Add("x", "More", 5.0, clip="nosuch"), "unknown_clip " * 8),
        ("add before nosuch", PING, Add("x", "More", 5.0, clip="film", before="nosuch"), "unknown_talk " * 8),
        ("skip", PING, Skip("x", "film"), "+ + + + + = + +"),
        ("skip what is on", PING, Skip("x", "one"),
         "+ already_on_air already_on_air already_on_air already_on_air talk_over already_on_air "
         "already_on_air"),
        ("unskip", PING, Unskip("x", "film"), "not_skipped not_skipped not_skipped not_skipped not_skipped + "
         "not_skipped not_skipped"),
        ("extend", PING, Extend("x", "one", 5.0), "+ + + + + talk_over + +"),
        ("retime", PING, Retime("x", "two", 1.7e9), "+ + hand_off_running + + already_on_air + +"),
        ("retitle", PING, Retitle("x", "one", "Anew"), "+ + hand_off_running + + + + +"),
        ("redraw", PING, Redraw("x", "two", "grid"), "+ + hand_off_running + + already_on_air + +"),
        ("automate", PING, Automate("x", "panel", True), "+ " * 8),
        ("automate nosuch", PING, Automate("x", "nosuch", True), "unknown_talk " * 8),
        ("reslate", PING, Reslate("x", "Lunch"), "+ " * 8),
        ("reslate the same", PING, Reslate("x"), "= " * 8),
        ("edit by a speaker", LANVIN, Extend("x", "one", 5.0), "role_forbidden " * 8),
        ("level", PING, SetLevel("x", "lanvin", -6.0), "+ " * 8),
        ("level of nobody", PING, SetLevel("x", "ping", -6.0), "unknown_person " * 8),
        ("talkback", PING, TalkBack("x", True), "+ " * 8),
        ("talkback off", PING, TalkBack("x", False), "= " * 8),
        ("talkback to a screen", PING, TalkBack("x", True, ("pavilion",)), "unknown_person " * 8),
        ("text to the stage", PING, SendText("x", "stage", "Wrap up"), "nobody_there + + + + + + +"),
        ("text to nobody", PING, SendText("x", ("nosuch",), "Wrap up"), "unknown_person " * 8),
        ("text by a speaker", LANVIN, SendText("x", "all", "Wrap up"), "role_forbidden " * 8),
        ("acknowledge nothing", LANVIN, Acknowledge("x", "1"), "unknown_message " * 8),
        ("acknowledge as a producer", PING, Acknowledge("x", "1"), "role_forbidden " * 8),
        ("remove", PING, Remove("x", "thony"), "+ + + + + + + ="),
        ("remove a screen", PING, Remove("x", "pavilion"), "+ " * 8),
        ("remove a producer", PING, Remove("x", "pia"), "role_forbidden " * 8),
        ("remove nobody", PING, Remove("x", "nosuch"), "unknown_person " * 8),
        ("admit", PING, Admit("x", "thony"), "= = = = = = = +"),
        ("add a target", PING, AddTarget("x", "More", "rtmp://host/live", "KEY", on=True), "+ " * 8),
        ("add a target twice", PING, AddTarget("x", "More", "rtmp://h/live/KEY", target="tube"),
         "target_exists " * 8),
        ("add no target", PING, AddTarget("x", "More", "nowhere"), "bad_target " * 8),
        ("remove a fixed target", PING, RemoveTarget("x", "tube"), "target_fixed " * 8),
        ("remove no target", PING, RemoveTarget("x", "nosuch"), "unknown_target " * 8),
        ("start a target", PING, StartTarget("x", "tube"), "+ " * 8),
        ("stop a target", PING, StopTarget("x", "tube"), "= " * 8),
        ("start a target as a speaker", LANVIN, StartTarget("x", "tube"), "role_forbidden " * 8),
        ("reair", PING, Reair("x", "event"), "not_recorded + + + + + + +"),
        ("reair nosuch", PING, Reair("x", "nosuch"), "unknown_talk " * 8),
        ("reair by a speaker", LANVIN, Reair("x", "event"), "role_forbidden " * 8),
        ("cancel no re-air", PING, CancelReair("x", "p1"), "unknown_plan " * 8),
    )
})  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("number", range(len(SCENES)), ids=[scene.__name__ for scene in SCENES])
def test_each_command_in_each_state(name: str, number: int) -> None:
    """The answer is the one of the table, and a refused command changes nothing and is not journalled."""
    person, command, answers = TABLE[name]
    assert len(answers) == len(SCENES)
    scene, expected = SCENES[number](), answers[number]
    scene.show.collect()
    before = scene.show.state
    answer = scene.give(person, command)
    records, _ = scene.show.collect()
    facts = [fact for record in records for fact in record.facts]
    began = any(isinstance(fact, Began) for fact in facts)
    if answer in ("done", "running"):
        assert (">" if began else "+" if facts else "=") == expected
        assert [record.id for record in records if record.id] == ["x"], "even if nothing changed"
    else:
        assert answer == expected
        assert scene.show.state == before
        assert not records


@pytest.mark.parametrize("name", TABLE)
def test_what_was_seen_of_another_show_is_stale(name: str) -> None:
    """No command is carried out on the ground of a state that was before the air last changed."""
    person, command, _ = TABLE[name]
    scene = next_on_standby()
    scene.show.collect()
    before = scene.show.state
    answer = scene.give(person, dataclasses.replace(command, revision=before.moved - 1))
    assert answer in ("stale", "role_forbidden", "not_on_air")
    assert scene.show.state == before


def test_the_table_is_whole() -> None:
    """Every command of the protocol is in the table."""
    given = {type(command).__name__ for _, command, _ in TABLE.values()}
    kinds = {kind.__name__ for base in (Command, Edit, Aim) for kind in base.__subclasses__()}
    assert given == kinds - {"Edit", "Aim"}
