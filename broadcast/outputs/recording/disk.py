"""(P) When the room on the disk ends: warned early, recording stopped before the last, resumed with room.

Below the reserve nothing is recorded: what is left is the journal's, for no command may fail for a
recording's sake. It goes on once there is twice the reserve, so that it does not flicker at the border.
"""

from dataclasses import dataclass
from enum import StrEnum

WINDOW = 60.0  # seconds over which the rate is measured
RELIEF = 1.25  # a warning ends once there is so much more room than it began at
RETRY = 5.0  # seconds after a write that was refused
MIB = 1 << 20


class DiskState(StrEnum):
    """What the room on the disk allows."""

    OK = "ok"
    LOW = "low"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class DiskRules:
    """`reserve`: octets that recordings leave free; `warn`: seconds of room that call for a warning."""

    reserve: int
    warn: float


@dataclass(frozen=True, slots=True)
class Disk:
    """How it stands: octets free, octets a second that are recorded, seconds that the room is enough for
    (None: nothing is being recorded)."""

    state: DiskState
    free: int
    rate: float = 0.0
    left: float | None = None

    @property
    def rank(self) -> tuple[int, float]:
        """To compare disks: the smaller, the worse."""
        worst_first = (DiskState.FULL, DiskState.LOW, DiskState.OK)
        return worst_first.index(self.state), float("inf") if self.left is None else self.left

    def told(self, kept: str = "nothing") -> str:
        """For a producer; empty when all is well. `kept`: what is still recorded when it is full."""
        free = f"{self.free / MIB:.0f} MB" if self.free < 1024 * MIB else f"{self.free / 1024 / MIB:.1f} GB"
        match self.state:
            case DiskState.OK:
                return ""
            case DiskState.LOW:
                left = duration(self.left or 0.0)
                return f"The disk has room for about {left} of recording: {free} are free."
            case DiskState.FULL:
                return (
                    f"The disk is full: {kept} is recorded, the show goes on. "
                    f"{free} are free; make room, and recording resumes by itself."
                )


class DiskWatch:
    """`look` every second or so. Times in monotonic seconds."""

    def __init__(self, rules: DiskRules) -> None:
        self._rules = rules
        self._state = DiskState.OK
        self._rate = 0.0
        self._written: int | None = None
        self._at = 0.0
        self._refused = float("-inf")

    def refused(self, now: float) -> None:
        """A write has failed for want of room, whatever the figures say: wait before the next."""
        self._refused = now

    def look(self, free: int, written: int, now: float) -> Disk:
        """Judge `free` octets, after `written` octets were recorded in all."""
        self._measure(written, now)
        usable = max(0, free - self._rules.reserve)
        left = usable / self._rate if self._rate > 0 else None
        self._state = self._next(free, left, now)
        return Disk(self._state, free, self._rate, left)

    def _measure(self, written: int, now: float) -> None:
        if self._written is None:
            self._written, self._at = written, now
            return
        passed = now - self._at
        if passed <= 0:
            return
        weight = min(1.0, passed / WINDOW) if self._rate else 1.0
        self._rate += weight * ((written - self._written) / passed - self._rate)
        self._written, self._at = written, now

    def _next(self, free: int, left: float | None, now: float) -> DiskState:
        reserve = self._rules.reserve
        if now - self._refused < RETRY or free < reserve:
            return DiskState.FULL
        if self._state is DiskState.FULL and free < 2 * reserve:
            return DiskState.FULL
        limit = self._rules.warn * (RELIEF if self._state is DiskState.LOW else 1.0)
        return DiskState.LOW if left is not None and left < limit else DiskState.OK


def duration(seconds: float) -> str:
    """A time as people say it: 40 minutes, 3 hours."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes != 1 else ''}"
    return f"{round(minutes / 60)} hours"
