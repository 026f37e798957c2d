"""Room on the disk: warned early, stopped at the reserve, resumed with room, without flickering."""

from hypothesis import given
from hypothesis import strategies as st

from broadcast.outputs.recording.disk import DiskRules, DiskState, DiskWatch, duration

GB = 1 << 30
RULES = DiskRules(reserve=GB, warn=3600.0)


def test_it_warns_about_an_hour_ahead_and_says_how_long() -> None:
    """At a megabyte a second, 2.4 GB above the reserve are 40 minutes."""
    watch = DiskWatch(RULES)
    watch.look(100 * GB, 0, 0.0)
    assert watch.look(100 * GB, 1_000_000, 1.0).state is DiskState.OK
    disk = watch.look(GB + 2_400_000_000, 2_000_000, 2.0)
    assert disk.state is DiskState.LOW
    assert "about 40 minutes" in disk.told()


def test_it_stops_at_the_reserve_and_resumes_at_twice() -> None:
    """Between once and twice the reserve it stays as it was."""
    watch = DiskWatch(RULES)
    states = [watch.look(round(free * GB), 0, at) for at, free in enumerate((1.5, 0.9, 1.5, 2.1, 1.5))]
    assert [disk.state.value for disk in states] == ["ok", "full", "full", "ok", "ok"]
    assert "nothing is recorded" in states[1].told()


def test_a_refused_write_stops_it_for_a_while_whatever_the_figures_say() -> None:
    """A quota is no figure that the disk tells."""
    watch = DiskWatch(RULES)
    watch.refused(0.0)
    assert watch.look(50 * GB, 0, 0.1).state is DiskState.FULL
    assert watch.look(50 * GB, 0, 11.0).state is DiskState.OK


@given(st.lists(st.tuples(st.integers(0, 10 * GB), st.integers(0, GB), st.floats(0.1, 100))))
def test_below_the_reserve_nothing_is_ever_recorded(looks: list[tuple[int, int, float]]) -> None:
    """Whatever happened before, the reserve is the journal's."""
    watch = DiskWatch(RULES)
    written, now = 0, 0.0
    for free, more, later in looks:
        written, now = written + more, now + later
        disk = watch.look(free, written, now)
        assert (disk.state is DiskState.FULL) or free >= RULES.reserve
        assert disk.told() == "" or disk.state is not DiskState.OK


def test_times_are_told_as_people_say_them() -> None:
    """Minutes up to two hours, then hours."""
    assert [duration(s) for s in (10, 60, 2400, 9000)] == [
        "less than a minute",
        "1 minute",
        "40 minutes",
        "2 hours",
    ]
