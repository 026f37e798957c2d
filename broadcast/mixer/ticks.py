"""When the mixer's ticks are due: absolute deadlines, and a cut that is begun a little before its own.

A cut takes longer than other ticks: a new scene is put up, and what the encoder has not seen before is all to
be coded. So it would leave some 7 ms later than the pictures around it, and a player whose screen turns in
that moment would show it a turn late. Whoever has a change ready begins early by as much.
"""

import time
from collections.abc import Callable
from typing import Protocol

CATCH_UP = 1.0  # seconds of lateness that are filled with repeated frames; beyond, ticks are given up
EARLY = 0.008  # seconds that a tick with a change may begin before it is due


class Flag(Protocol):
    """As `threading.Event`."""

    def is_set(self) -> bool: ...
    def wait(self, timeout: float) -> bool: ...


class Ticks:
    """Tick n is due at `epoch + n * step + after`, in seconds of `clock`. Late ones come at once, one by one,
    so that none is missing; only beyond `CATCH_UP` they are given up. `late`: seconds by which the last one
    began after it was due, below zero if before."""

    def __init__(
        self,
        epoch: float,
        step: float,
        first: int,
        after: float = 0.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._start = epoch + after
        self._step = step
        self._clock = clock
        self._sleep = sleep
        # After a restart: the first tick that is still to come.
        self._next = max(first, -int((self._start - clock()) // step))
        self.late = 0.0

    def wait(self, closing: Flag, changing: Flag | None = None) -> int | None:
        """Sleep until the next tick and give its number; None when closing. With `changing` set, or when it
        is set meanwhile, the tick begins up to EARLY before it is due."""
        due = self._start + self._next * self._step
        left = due - self._clock()
        if left > 0:
            self._doze(due, changing)
        elif -left > CATCH_UP:
            self._next += int(-left / self._step)
            due = self._start + self._next * self._step
        if closing.is_set():
            return None
        self.late = self._clock() - due
        self._next += 1
        return self._next - 1

    def _doze(self, due: float, changing: Flag | None) -> None:
        left = due - (EARLY if changing else 0.0) - self._clock()
        if left > 0:
            self._sleep(left)
        if changing:
            changing.wait(max(0.0, due - self._clock()))
