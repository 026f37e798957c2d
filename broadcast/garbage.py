"""Python's garbage in small pieces: nothing that is on the air waits for it.

What is no longer used is freed at once, by its count of references. Only objects that refer to one another in
a ring need the collector; and CPython's, left alone, sometimes looks at every object there is: 35 to 80 ms in
a server that has just started, more with an audience, and all that time no packet is passed on. So what there
is at the start is put aside, and what has come since is looked at now and then; when that has become much, as
with a large audience, it is put aside as well. Everything is looked at in a calm moment, and every few hours.
See docs/decisions/021-holes-in-the-sound.md.
"""

import asyncio
import gc
import time
from collections.abc import Callable

EVERY = 20.0  # seconds
MUCH = 15_000  # objects that are looked at in 5 ms
ALL_AFTER = 600.0  # seconds after which everything is looked at again in a calm moment
ALL_AT_LAST = 6 * 3600.0  # ... and after which it is in any
NEVER = 1 << 30  # collections of the middle generation


class Garbage:
    """This process's, the only one. Make it when everything is set up; `now`: monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._looked = now
        self._before = gc.get_threshold()
        gc.set_threshold(*self._before[:2], NEVER)
        _put_aside()

    def step(self, now: float, calm: bool) -> None:
        """Collect what has come since things were last put aside, or everything where that is due."""
        if now - self._looked >= (ALL_AFTER if calm else ALL_AT_LAST):
            self._looked = now
            gc.unfreeze()
            _put_aside()
        elif len(gc.get_objects(generation=2)) > MUCH:
            gc.freeze()
        else:
            gc.collect()

    def close(self) -> None:
        """Leave it to Python again."""
        gc.unfreeze()
        gc.set_threshold(*self._before)


async def keep_away(calm: Callable[[], bool]) -> None:
    """Collect until cancelled. `calm`: whether few would notice a tenth of a second."""
    garbage = Garbage(time.monotonic())
    try:
        while True:
            await asyncio.sleep(EVERY)
            garbage.step(time.monotonic(), calm())
    finally:
        garbage.close()


def _put_aside() -> None:
    gc.collect()
    gc.freeze()
