"""(P) The line to one target: off, connecting, live, or waiting to try again; and how long it waits.

The methods are what happens, with `now` (monotonic seconds); `due` is what is to be done about it.
"""

from dataclasses import dataclass
from enum import StrEnum

SETTLED = 30.0  # seconds live after which an end counts as the first failure again


class State(StrEnum):
    """What a producer sees."""

    OFF = "off"
    CONNECTING = "connecting"
    LIVE = "live"
    RETRYING = "retrying"


class Do(StrEnum):
    """What the line asks of its owner."""

    OPEN = "open"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds: the first pause, the longest, until a connection must be up, and for how long a live target
    may take nothing."""

    first: float = 1.0
    most: float = 30.0
    connect: float = 15.0
    stall: float = 10.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Why it is not live: a stable code, and words for the producer."""

    code: str
    words: str


NO_ANSWER = Fault("no_answer", "It does not answer.")
STALLED = Fault("stalled", "It takes the stream no longer.")
ENDED = Fault("ended", "The connection has ended.")


def pause(failures: int, chance: float, patience: Patience) -> float:
    """Seconds until the next try after so many failures in a row (at least one); `chance` in [0, 1) spreads
    many servers and targets over half of the time."""
    longest = min(patience.most, patience.first * 2.0 ** min(failures - 1, 30))
    return longest * (1 - chance / 2)


class Line:
    """Begins as OFF. `reason` is the last failure, until the target is live again."""

    def __init__(self, patience: Patience) -> None:
        self.state = State.OFF
        self.reason: Fault | None = None
        self.since = 0.0  # when it came into its state
        self.next_try: float | None = None
        self.failures = 0  # in a row
        self.reconnects = 0  # times that it was live again
        self._patience = patience
        self._moved = 0.0  # when the target took something last
        self._lived = False

    def start(self, now: float) -> None:
        """The producer wants it on."""
        if self.state is State.OFF:
            self.reason, self.failures = None, 0
            self._enter(State.CONNECTING, now)

    def stop(self, now: float) -> None:
        """The producer wants it off."""
        self.reason, self._lived = None, False
        self._enter(State.OFF, now)

    def took(self, now: float) -> None:
        """The target has taken some of the stream."""
        self._moved = now
        if self.state is State.CONNECTING:
            self.reconnects += self._lived
            self._lived = True
            self.reason = None
            self._enter(State.LIVE, now)

    def failed(self, fault: Fault, now: float, chance: float) -> None:
        """The connection has ended, or never was."""
        if self.state not in (State.CONNECTING, State.LIVE):
            return
        if self.state is State.LIVE and now - self.since >= SETTLED:
            self.failures = 0
        self.failures += 1
        self.reason = fault
        self._enter(State.RETRYING, now)
        self.next_try = now + pause(self.failures, chance, self._patience)

    def tick(self, now: float, chance: float) -> None:
        """Time has passed."""
        if self.state is State.RETRYING and self.next_try is not None and now >= self.next_try:
            self._enter(State.CONNECTING, now)
        elif self.state is State.CONNECTING and now - self.since >= self._patience.connect:
            self.failed(NO_ANSWER, now, chance)
        elif self.state is State.LIVE and now - self._moved >= self._patience.stall:
            self.failed(STALLED, now, chance)

    def due(self, connected: bool) -> Do | None:
        """What to do, where `connected` says whether there is a connection, or one on its way."""
        wanted = self.state in (State.CONNECTING, State.LIVE)
        if wanted == connected:
            return None
        return Do.OPEN if wanted else Do.CLOSE

    def _enter(self, state: State, now: float) -> None:
        self.state, self.since, self._moved, self.next_try = state, now, now, None
