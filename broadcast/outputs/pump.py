"""Sends frames to many peers over several turns of the event loop, so that a keyframe for a thousand
viewers does not hold up sound, signalling and everybody else.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from broadcast.transport.lineup import LineUp

# Packets delivered in one turn. A frame of no more than two turns goes in one piece, if nothing waits before
# it: to come back costs a tenth of a turn.
TURN = 1000  # of pictures: 1.5 ms, by which sound may be held up
SOUND_TURN = 2000  # of sound
BACKLOG = 30  # frames that may wait

Job = tuple[LineUp, Sequence[bytes]]  # packets, and who gets them
Burst = Callable[[LineUp, Sequence[bytes]], None]


class Pump:
    """A queue of bursts, in order. `defer` runs a call in a later turn (`loop.call_soon`).

    Overflow: `full` is for the caller to ask before it numbers a frame; the caller drops whole frames then.
    """

    def __init__(self, burst: Burst, defer: Callable[[Callable[[], None]], object], turn: int = TURN) -> None:
        self._burst = burst
        self._defer = defer
        self._turn = turn
        self._jobs: deque[tuple[Job, bool]] = deque()  # and whether a frame ends with it
        self._frames = 0  # that wait
        self._packets = 0  # that wait
        self._done = 0  # peers served of the first job
        self._deferred = False

    @property
    def full(self) -> bool:
        """Whether the machine does not keep up."""
        return self._frames >= BACKLOG

    def put(self, frame: Iterable[Job]) -> None:
        """Send a frame, to each line-up in its own packets, after what waits already; at once if nothing
        waits and it is little. The packets must not change any more."""
        jobs = [job for job in frame if all(job)]
        if not jobs:
            return
        last = len(jobs) - 1
        self._jobs.extend((job, index == last) for index, job in enumerate(jobs))
        self._frames += 1
        self._packets += sum(len(peers) * len(packets) for peers, packets in jobs)
        if not self._deferred:
            self._run(self._packets if self._packets <= 2 * self._turn else self._turn)

    def clear(self) -> None:
        """Forget what waits."""
        self._jobs.clear()
        self._frames = self._packets = self._done = 0

    def _resume(self) -> None:
        self._deferred = False
        self._run(self._turn)

    def _run(self, budget: int) -> None:
        while self._jobs and budget > 0:
            (peers, packets), last = self._jobs[0]
            count = max(1, budget // len(packets))
            some = peers[self._done : self._done + count]
            self._burst(some, packets)
            budget -= len(some) * len(packets)
            self._packets -= len(some) * len(packets)
            self._done += len(some)
            if self._done >= len(peers):
                self._jobs.popleft()
                self._frames -= last
                self._done = 0
        if self._jobs:
            self._deferred = True
            self._defer(self._resume)
