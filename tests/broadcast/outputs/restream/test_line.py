"""The line to a target: how it comes up, fails, waits and comes back; the clock is a number."""

from hypothesis import given
from hypothesis import strategies as st

from broadcast.outputs.restream.line import (
    ENDED,
    NO_ANSWER,
    SETTLED,
    STALLED,
    Do,
    Line,
    Patience,
    State,
    pause,
)

PATIENCE = Patience(first=1.0, most=30.0, connect=15.0, stall=10.0)


def test_comes_up_and_goes() -> None:
    """Started it is to be opened, live once something was taken, and closed when it is stopped."""
    line = Line(PATIENCE)
    assert line.due(False) is None
    line.start(1.0)
    assert (line.state, line.due(False), line.due(True)) == (State.CONNECTING, Do.OPEN, None)
    line.took(2.0)
    assert line.state is State.LIVE
    line.stop(3.0)
    assert (line.state, line.due(True), line.due(False)) == (State.OFF, Do.CLOSE, None)


def test_failures_are_retried_later_and_later() -> None:
    """Each failure in a row doubles the pause, up to the longest; the reason stays until it is live again."""
    line, now, pauses = Line(PATIENCE), 0.0, []
    line.start(now)
    for _ in range(8):
        line.failed(ENDED, now, 0.0)
        assert line.state is State.RETRYING
        assert line.next_try is not None
        pauses.append(line.next_try - now)
        line.tick(line.next_try - 0.01, 0.0)
        assert line.due(False) is None
        now = line.next_try
        line.tick(now, 0.0)
        assert line.due(False) is Do.OPEN
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert line.reason is ENDED
    line.took(now)
    assert line.reason is None


def test_a_silent_target_is_given_up() -> None:
    """Neither a connection that does not come up nor one that takes nothing lasts for ever."""
    line = Line(PATIENCE)
    line.start(0.0)
    line.tick(14.9, 0.0)
    assert line.state is State.CONNECTING
    line.tick(15.0, 0.0)
    assert (line.state, line.reason, line.due(True)) == (State.RETRYING, NO_ANSWER, Do.CLOSE)
    line.tick(16.0, 0.0)
    line.took(17.0)
    line.tick(26.9, 0.0)
    assert line.state is State.LIVE
    line.tick(27.0, 0.0)
    assert (line.state, line.reason) == (State.RETRYING, STALLED)


def test_a_settled_target_is_forgiven() -> None:
    """After a while live the pauses begin anew; one that flaps waits longer and longer."""
    line = Line(PATIENCE)
    line.start(0.0)
    for _ in range(3):
        line.took(0.0)
        line.failed(ENDED, 1.0, 0.0)
        line.tick(100.0, 0.0)
    assert line.failures == 3
    line.took(100.0)
    line.failed(ENDED, 100.0 + SETTLED, 0.0)
    assert line.failures == 1
    assert line.reconnects == 3


def test_late_news_change_nothing() -> None:
    """What a process says after the line was stopped has no effect."""
    line = Line(PATIENCE)
    line.start(0.0)
    line.stop(1.0)
    line.took(2.0)
    line.failed(ENDED, 3.0, 0.5)
    line.tick(99.0, 0.5)
    assert line.state is State.OFF


@given(st.integers(1, 10**6), st.floats(0, 1, exclude_max=True))
def test_pauses_are_bounded(failures: int, chance: float) -> None:
    """However often it failed, a pause is spread over half of itself and never longer than the longest."""
    longest = pause(failures, 0.0, PATIENCE)
    assert 0.5 * longest <= pause(failures, chance, PATIENCE) <= longest <= PATIENCE.most


@given(
    st.lists(
        st.tuples(st.sampled_from(["start", "stop", "took", "failed", "tick"]), st.floats(0, 40)), max_size=60
    )
)
def test_any_order_of_events(events: list[tuple[str, float]]) -> None:
    """Whatever happens, a next try is known exactly while it waits for one, and off asks for nothing."""
    line, now = Line(PATIENCE), 0.0
    for name, seconds in events:
        now += seconds
        match name:
            case "failed":
                line.failed(ENDED, now, 0.3)
            case "tick":
                line.tick(now, 0.3)
            case _:
                getattr(line, name)(now)
        assert (line.next_try is not None) is (line.state is State.RETRYING)
        assert line.due(False) is None or line.state in (State.CONNECTING, State.LIVE)
