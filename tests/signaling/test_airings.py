"""When each talk was on air: the chapters of the programme."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from signaling.airings import MAX_AIRINGS, PAUSE_SECONDS, Airing, chapters, event_state, followed, told
from signaling.rundown import Rundown
from tests.signaling.stagehand import EVENT

AIR = st.lists(
    st.tuples(st.sampled_from([None, "one", "two"]), st.floats(0.0, 1000.0, allow_nan=False)), max_size=40
)


def after(*steps: tuple[str | None, float]) -> tuple[Airing, ...]:
    """What these changes of the air leave behind."""
    airings: tuple[Airing, ...] = ()
    for talk, at in steps:
        airings = followed(airings, talk, at)
    return airings


def test_a_talk_begins_and_ends_when_the_air_changes() -> None:
    """A take ends the one before at the same moment; the slate ends it without a successor."""
    assert after(("one", 10.0), ("two", 20.0), (None, 30.0)) == (
        Airing("one", 10.0, 20.0),
        Airing("two", 20.0, 30.0),
    )


def test_the_same_talk_goes_on() -> None:
    """Another layout of the talk on air is no new airing."""
    assert after(("one", 10.0), ("one", 15.0)) == (Airing("one", 10.0),)


def test_a_short_interruption_is_no_new_chapter() -> None:
    """A fallback to the slate for some seconds leaves one chapter; a long pause or another talk makes two."""
    assert chapters(after(("one", 0.0), (None, 60.0), ("one", 63.0), (None, 90.0))) == [
        Airing("one", 0.0, 90.0)
    ]
    assert len(chapters(after(("one", 0.0), (None, 60.0), ("one", 61.0 + PAUSE_SECONDS)))) == 2
    assert len(chapters(after(("one", 0.0), ("two", 60.0), ("one", 61.0)))) == 3


@given(AIR)
def test_airings_follow_one_another(steps: list[tuple[str | None, float]]) -> None:
    """In any order of events, even with a clock that is set back, no airing ends before it began."""
    airings = after(*steps)
    assert all(one.end is not None for one in airings[:-1])
    assert all(one.end is None or one.start <= one.end for one in airings)
    assert len(chapters(airings)) <= len(airings)


def test_they_are_bounded() -> None:
    """A show that never ends forgets its oldest airings."""
    airings = after(*((("one", "two")[n % 2], float(n)) for n in range(MAX_AIRINGS + 7)))
    assert len(airings) == MAX_AIRINGS
    assert airings[-1].start == MAX_AIRINGS + 6.0


def test_what_is_told() -> None:
    """The state follows the rundown; each chapter has its title, its people and its times in ms."""
    rundown = Rundown.of(EVENT)
    assert told(EVENT, rundown, (), 5.0)["state"] == "soon"
    airings = followed((), "one", 10.0)
    answer = told(EVENT, rundown.follow("one", None, 10.0), airings, 15.0)
    assert answer["state"] == "live"
    assert answer["now"] == 15_000
    [chapter] = answer["chapters"]
    assert (chapter["talk"], chapter["title"]) == ("one", "Reorienting")
    assert (chapter["start"], chapter["end"]) == (10_000, None)
    assert chapter["speakers"][0]["name"] == "Callysta Thony"


def test_the_states_of_the_event() -> None:
    """The slate between talks is a break, and when all are done or skipped the event is over."""
    rundown = Rundown.of(EVENT).follow("one", None, 10.0).follow(None, None, 20.0)
    assert told(EVENT, rundown, (), 0.0)["state"] == "break"
    for item in rundown:
        if item.talk.id != "one":
            rundown = rundown.skip(item.talk.id, True)
    assert told(EVENT, rundown, (), 0.0)["state"] == "over"


def test_a_talk_that_left_the_config_keeps_its_chapter() -> None:
    """A chapter whose talk is gone is named by its id."""
    empty = replace(Rundown.of(EVENT), items=())
    [chapter] = told(EVENT, empty, after(("gone", 1.0), (None, 2.0)), 3.0)["chapters"]
    assert (chapter["title"], chapter["speakers"]) == ("gone", [])


def test_what_is_on_air_again_is_a_replay() -> None:
    """A recording on air is told from a live talk."""
    rundown = Rundown.of(EVENT)
    assert event_state(rundown.follow("one", None, 0.0)) == "live"
    assert event_state(rundown.follow("again-c0-0-one", None, 0.0)) == "replay"
