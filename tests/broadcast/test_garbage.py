"""Garbage: what is collected, and when everything is looked at."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from broadcast.garbage import ALL_AFTER, Garbage


@pytest.fixture
def garbage() -> Iterator[Garbage]:
    """At the time 0; this process's collector is as before afterwards."""
    before = gc.get_threshold()
    yield Garbage(0.0)
    gc.unfreeze()
    gc.set_threshold(*before)


class Ring:
    """Refers to itself, so only the collector finds it."""

    def __init__(self) -> None:
        self.itself: Ring | None = self


def test_what_is_new_is_collected(garbage: Garbage) -> None:
    """A ring that nobody holds is gone with the next step."""
    ring = weakref.ref(Ring())
    garbage.step(1.0, calm=False)
    assert ring() is None


def test_what_is_in_use_is_put_aside(garbage: Garbage) -> None:
    """The next step does not look at it again: it is quick, however much there is."""
    kept = [Ring() for _ in range(1000)]
    before = gc.get_freeze_count()
    garbage.step(1.0, calm=True)
    assert gc.get_freeze_count() >= before + len(kept)
    assert len(gc.get_objects()) < len(kept)


def test_everything_is_looked_at_when_nobody_is_on_the_air(garbage: Garbage) -> None:
    """A ring that was in use for long: it waits for ten minutes and for a calm moment."""
    kept = Ring()
    ring = weakref.ref(kept)
    garbage.step(1.0, calm=False)
    del kept
    garbage.step(2.0, calm=True)
    garbage.step(ALL_AFTER, calm=False)
    assert ring() is not None
    garbage.step(ALL_AFTER + 1, calm=True)
    assert ring() is None


def test_python_itself_never_looks_at_everything(garbage: Garbage) -> None:
    """However many objects are made: only the two younger generations by themselves."""
    before = gc.get_stats()[2]["collections"]
    kept = [[number] for number in range(300_000)]
    assert gc.get_stats()[2]["collections"] == before
    assert len(kept) == 300_000


def test_what_holds_a_ring_without_references_goes_at_once(garbage: Garbage) -> None:
    """Put aside is not kept: whatever loses its last reference is freed as always."""
    kept = [Ring() for _ in range(10)]
    gone = weakref.ref(kept[0])
    garbage.step(1.0, calm=False)
    kept[0].itself = None
    del kept[0]
    assert gone() is None
