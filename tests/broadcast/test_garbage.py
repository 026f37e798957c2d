"""Garbage: what is collected, and when everything is looked at."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from broadcast.garbage import ALL_AFTER, ALL_AT_LAST, MUCH, Garbage, keep_away


@pytest.fixture
def garbage() -> Iterator[Garbage]:
    """At the time 0."""
    garbage = Garbage(0.0)
    yield garbage
    garbage.close()


class Ring:
    """Refers to itself, so only the collector finds it."""

    def __init__(self) -> None:
        self.itself: Ring | None = self


def test_what_is_new_is_collected(garbage: Garbage) -> None:
    """A ring that nobody holds is gone with the next step."""
    ring = weakref.ref(Ring())
    garbage.step(1.0, calm=False)
    assert ring() is None


def test_a_ring_that_was_in_use_for_a_while_is_collected(garbage: Garbage) -> None:
    """As long as there is not much that is new, steps look at all of that."""
    kept = Ring()
    ring = weakref.ref(kept)
    garbage.step(1.0, calm=False)
    del kept
    assert ring() is not None
    garbage.step(2.0, calm=False)
    assert ring() is None


def test_much_that_is_in_use_is_put_aside(garbage: Garbage) -> None:
    """A large audience: the next steps do not look at it again, so they are as quick as before."""
    kept = [Ring() for _ in range(MUCH)]
    garbage.step(1.0, calm=False)
    garbage.step(2.0, calm=True)
    assert len(gc.get_objects()) < len(kept)
    assert gc.get_freeze_count() > len(kept)


@pytest.mark.parametrize(("when", "calm"), [(ALL_AFTER, True), (ALL_AT_LAST, False)])
def test_everything_is_looked_at_now_and_then(garbage: Garbage, when: float, calm: bool) -> None:
    """Of much that was put aside: a ring waits for ten minutes and a calm moment, or for six hours."""
    kept = [Ring() for _ in range(MUCH + 1)]
    ring = weakref.ref(kept[0])
    garbage.step(1.0, calm=False)
    garbage.step(2.0, calm=False)
    del kept
    garbage.step(when - 1, calm)
    assert ring() is not None
    garbage.step(when, calm)
    assert ring() is None


def test_python_itself_never_looks_at_everything(garbage: Garbage) -> None:
    """However many objects are made: only the two younger generations by themselves."""
    before = gc.get_stats()[2]["collections"]
    kept = [[number] for number in range(300_000)]
    assert gc.get_stats()[2]["collections"] == before
    assert len(kept) == 300_000


async def test_it_is_for_as_long_as_the_task_runs() -> None:
    """Whoever cancels it has Python's own rules back, and nothing put aside."""
    before = gc.get_threshold()
    task = asyncio.create_task(keep_away(lambda: True))
    await asyncio.sleep(0)
    assert gc.get_threshold()[2] > before[2]
    assert gc.get_freeze_count() > 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
