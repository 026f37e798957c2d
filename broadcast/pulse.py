"""How long the event loop stood still: what looks like a bad line, but is a busy machine or a fault of ours.

While something takes the loop for itself, no packet is passed on and nobody is answered. A beat that comes
too late shows it; see `pavilion_server_longest_pause_ms` in docs/operations.md.
"""

import asyncio
from collections import deque

EVERY = 0.02  # seconds between beats, some 0.1 % of a core
BEATS = 50  # of which the latest counts
KEPT = 60  # such counts, a minute of them: a scrape each minute misses none


class Pulse:
    """Of this process. `run` is a task's own."""

    def __init__(self) -> None:
        self._latest = 0.0  # seconds, of the beats that are being counted
        self._kept: deque[float] = deque(maxlen=KEPT)

    async def run(self) -> None:
        """Beat until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            for _ in range(BEATS):
                due = now() + EVERY
                await asyncio.sleep(EVERY)
                self._latest = max(self._latest, now() - due)
            self._kept.append(self._latest)
            self._latest = 0.0

    def longest(self) -> float:
        """Seconds of the longest pause in the last minute or so."""
        return max(self._latest, *self._kept, 0.0)
