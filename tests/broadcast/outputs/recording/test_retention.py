"""Retention: by age and size, the oldest first, never what belongs to the event that runs."""

from hypothesis import given
from hypothesis import strategies as st

from broadcast.outputs.recording.retention import AROUND, DAY, Kept, Rules, Stretch, idle, surplus

KEPT = st.builds(
    Kept,
    path=st.text("abc", max_size=4),
    event=st.sampled_from(["now", "last", "before"]),
    ended=st.floats(0, 100 * DAY),
    size=st.integers(0, 1000),
)


def test_what_is_too_old_goes() -> None:
    """Of three events the one that ended 40 days ago."""
    kept = [Kept(str(days), "other", (100 - days) * DAY, 10) for days in (40, 5, 1)]
    assert [each.path for each in surplus(kept, Rules(days=30), "now", 100 * DAY)] == ["40"]


def test_what_is_too_much_goes_oldest_first() -> None:
    """Two of four go, until the rest fits; the running event's counts, too."""
    kept = [Kept(str(n), "now" if n == 0 else "other", float(n), 10) for n in range(4)]
    assert [each.path for each in surplus(kept, Rules(octets=20), "now", 0.0)] == ["1", "2"]


@given(st.lists(KEPT, max_size=12), st.none() | st.floats(0, 100), st.none() | st.integers(0, 5000))
def test_promises(kept: list[Kept], days: float | None, octets: int | None) -> None:
    """The running event stays; what goes is older than what stays, unless both rules are kept without it."""
    now = 100 * DAY
    gone = surplus(kept, Rules(days, octets), "now", now)
    assert all(each.event != "now" for each in gone)
    assert [each.ended for each in gone] == sorted(each.ended for each in gone)
    left = list(kept)
    for each in gone:
        left.remove(each)
    others = [each for each in left if each.event != "now"]
    if octets is not None and others:
        assert sum(each.size for each in left) <= octets
    if days is not None:
        assert all(each.ended >= now - days * DAY for each in others)
    if days is None and octets is None:
        assert gone == []


MINUTE = 60.0
LINE = [Stretch(n, n * MINUTE, (n + 1) * MINUTE, 10) for n in range(240)]  # four hours


def test_hours_of_slate_go() -> None:
    """A talk stays with a quarter of an hour before and after it, and so does the newest hour."""
    gone = idle(LINE, [(100 * MINUTE, 120 * MINUTE)], 60 * MINUTE, 5 * MINUTE, 200 * MINUTE)
    assert [each.msn for each in gone] == [*range(5, 85), *range(135, 180)]


@given(
    st.lists(st.tuples(st.floats(0, 15000), st.floats(0, 3000)), max_size=5),
    st.floats(0, 15000),
    st.floats(0, 15000),
    st.floats(0, 15000),
)
def test_no_talk_ever_goes(
    spans: list[tuple[float, float]], window: float, since: float, until: float
) -> None:
    """What goes is away from every talk, within the times, and before the window."""
    talks = [(start, start + length) for start, length in spans]
    gone = idle(LINE, talks, window, since, until)
    assert all(each.end <= until and each.start >= since for each in gone)
    assert all(
        each.end <= start - AROUND or each.start >= end + AROUND for each in gone for start, end in talks
    )
    assert sum(each.end - each.start for each in LINE[len(gone) and gone[-1].msn :]) > window or not gone
