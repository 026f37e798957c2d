"""When what is to come will come: planned against real times."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from signaling.event import Event, Talk
from signaling.forecast import forecast
from signaling.rundown import Rundown

START = 10_000.0
PLAN = Event(
    "e",
    "E",
    start=START,
    talks=(
        Talk("a", "A", ("x",), minutes=10),
        Talk("b", "B", ("x",), minutes=10),
        Talk("c", "C", ("x",), minutes=10, start=START + 1800),
        Talk("d", "D", ("x",), minutes=10),
    ),
)


def minutes(rundown: Rundown, now: float, pause: float | None = None) -> dict[str, float]:
    """When each will begin, in minutes after the event's start; and the end of the show."""
    ahead = forecast(rundown, START + now * 60, None if pause is None else START + pause * 60)
    told = {talk: (at - START) / 60 for talk, at in ahead.expected.items()}
    return {**told, "end": (ahead.end - START) / 60, "behind": ahead.behind / 60}


def test_as_planned() -> None:
    """Before the show all is as planned; a talk with a start of its own waits for it."""
    told = minutes(Rundown.of(PLAN), -60)
    assert told == {"a": 0, "b": 10, "c": 30, "d": 40, "end": 50, "behind": 0}


def test_late() -> None:
    """Nothing begins before now; the pause before a fixed start swallows lateness first."""
    assert minutes(Rundown.of(PLAN), 5) == {"a": 5, "b": 15, "c": 30, "d": 40, "end": 50, "behind": 0}
    told = minutes(Rundown.of(PLAN), 15)
    assert told == {"a": 15, "b": 25, "c": 35, "d": 45, "end": 55, "behind": 5}


def test_on_air() -> None:
    """A talk on air ends by its own length, or now if that is past; an extension is lateness."""
    live = Rundown.of(PLAN).follow("a", None, START + 120)
    assert minutes(live, 5) == {"b": 12, "c": 30, "d": 40, "end": 50, "behind": 0}
    assert minutes(live.extend("a", 20), 5) == {"b": 32, "c": 42, "d": 52, "end": 62, "behind": 12}
    assert minutes(live, 14)["b"] == 14


def test_order() -> None:
    """First the one on standby, then on from the one on air, then those left behind."""
    rundown = Rundown.of(replace(PLAN, talks=tuple(replace(talk, start=None) for talk in PLAN.talks)))
    live = rundown.follow("c", None, START)
    assert list(minutes(live, 1))[:3] == ["d", "a", "b"]
    assert list(minutes(live.cue("b"), 1))[:3] == ["b", "d", "a"]
    between = live.follow(None, None, START + 60)
    assert list(minutes(between, 1))[:3] == ["d", "a", "b"]


def test_slate_and_end() -> None:
    """A slate that says until when is believed; a show that is over ended when its last talk did."""
    assert minutes(Rundown.of(PLAN), 0, pause=20)["a"] == 20
    rundown = Rundown.of(replace(PLAN, talks=PLAN.talks[:1])).follow("a", None, START)
    over = rundown.follow(None, None, START + 540)
    assert minutes(over, 100) == {"end": 9, "behind": -1}
    skipped = Rundown.of(PLAN).skip("d", True)
    assert minutes(skipped, 0)["behind"] == -10


@given(
    st.lists(
        st.sampled_from(["move", "skip", "unskip", "extend", "take", "slate", "cue", "add"]), max_size=20
    ),
    st.randoms(use_true_random=False),
    st.floats(-100, 500),
)
def test_never_before_now(what: list[str], dice: random.Random, now: float) -> None:
    """Whatever was done to the rundown, what is to come comes in order, after now, and whole."""
    rundown = Rundown.of(PLAN)
    for number, step in enumerate(what):
        names = [item.talk.id for item in rundown if item.talk.id != rundown.live]
        name, other = dice.choice(names), dice.choice(names)
        match step:
            case "move" if name != other:
                rundown = rundown.move(name, other)
            case "skip" | "unskip":
                rundown = rundown.skip(name, step == "skip")
            case "extend":
                rundown = rundown.extend(name, dice.uniform(-5, 30))
            case "take":
                rundown = rundown.follow(name, None, START + number)
            case "slate":
                rundown = rundown.follow(None, None, START + number)
            case "cue":
                rundown = rundown.cue(name)
            case "add":
                rundown = rundown.add(Talk(f"n{number}", "N"), other)
    told = minutes(rundown, now)
    times = [told[item] for item in told if item not in ("end", "behind")]
    assert times == sorted(times)
    assert all(time >= now - 1e-6 for time in [*times, *([told["end"]] if times else [])])
    open_ones = {i.talk.id for i in rundown if i.talk.id != rundown.live and not rundown.is_over(i)}
    assert set(told) - {"end", "behind"} == open_ones | ({rundown.standby} if rundown.standby else set())
