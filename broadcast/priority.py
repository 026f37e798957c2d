"""Who goes first on this machine: what viewers wait for before all else, chores after everybody.

Where Linux groups processes by session, a priority counts within the session only, and the session has one
of its own beside it (sched(7), "autogroup"). So each of our processes has its own session, and sets both.
What keeps a clock or passes packets on is in real time besides. Without the right to (root, or RLIMIT_NICE
and RLIMIT_RTPRIO) a process stays where it is, and only fares worse on a busy machine. See docs/decisions,
023 and 024.
"""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

FIRST = -10  # mixer, server and workers: what is late in one of them is late for all viewers
LATER = 5  # what can wait a little: a target has a buffer
LAST = 10  # what nobody waits for

BEAT = 2  # of who is on time: who keeps a clock goes before ...
PASSING = 1  # ... who passes things on

_SESSION = Path("/proc/self/autogroup")


def take(nice: int) -> None:
    """This thread, those that it will start, and the session have this priority from now on (nice(2))."""
    with _allowed():
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    with _allowed():
        _SESSION.write_text(str(nice))


def on_time(rank: int) -> None:
    """This thread, and none that it starts, runs as soon as it has something to do, whoever else computes
    (SCHED_RR, sched(7)). For what keeps a clock or passes things on, never for long computations. What it
    starts has nice 0, and goes first by its session alone. On one core nothing is in real time: who had too
    much to do there would stop all others."""
    if len(os.sched_getaffinity(0)) > 1:
        with _allowed():
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(rank))


@contextlib.contextmanager
def first() -> Iterator[None]:
    """Go first and be on time meanwhile. Afterwards this thread is as any other, and the session as it was:
    it may be that of somebody's terminal."""
    before = _of_session()
    take(FIRST)
    on_time(PASSING)
    try:
        yield
    finally:
        with _allowed():
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        if before is not None:
            with _allowed():
                _SESSION.write_text(str(before))


def _of_session() -> int | None:
    """The session's own priority; None where there is no such thing."""
    try:
        return int(_SESSION.read_text().rpartition(" ")[2])  # "/autogroup-341 nice 0"
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def _allowed() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        log.debug("priority stays: %s", error)
