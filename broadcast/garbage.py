"""Python's garbage in small pieces: nothing that is on the air waits for it.

What is no longer used is freed at once, by its count of references. Only objects that refer to one another in
a ring need the collector; and CPython's, left alone, sometimes looks at every object there is: 35 to 80 ms in
a server that has just started, more with an audience, and all that time no packet is passed on. So, once a
second, only what is new since the last time is looked at, and what is still in use is put aside. Everything
is looked at when nobody is on the air. See docs/decisions/021-holes-in-the-sound.md.
"""

import asyncio
import gc
import time
from collections.abc import Callable

EVERY = 1.0  # seconds
ALL_AFTER = 600.0  # seconds after which everything is looked at again, as soon as it may be
NEVER = 1 << 30  # collections of the middle generation


class Garbage:
    """This process's. Make one when everything is set up; `now`: monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._looked = now
        youngest, middle, _ = gc.get_threshold()
        gc.set_threshold(youngest, middle, NEVER)
        _put_aside()

    def step(self, now: float, calm: bool) -> None:
        """Collect what is new, or everything where that is due and the moment is `calm`."""
        if calm and now - self._looked >= ALL_AFTER:
            self._looked = now
            gc.unfreeze()
        _put_aside()


async def keep_away(calm: Callable[[], bool]) -> None:
    """Collect for as long as this process lives. `calm`: whether a tenth of a second would be missed by
    nobody."""
    garbage = Garbage(time.monotonic())
    while True:
        await asyncio.sleep(EVERY)
        garbage.step(time.monotonic(), calm())


def _put_aside() -> None:
    gc.collect()
    gc.freeze()
