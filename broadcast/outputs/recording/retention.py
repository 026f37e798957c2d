"""(P) Which old recordings go: of other events by age and size, the oldest first; of the one that runs hours
of slate alone."""

from collections.abc import Sequence
from dataclasses import dataclass

DAY = 86400.0
AROUND = 900.0  # seconds before and after each talk that stay


@dataclass(frozen=True, slots=True)
class Kept:
    """Something on the disk: a run of the programme, an event's recordings. `ended` in Unix seconds."""

    path: str
    event: str
    ended: float
    size: int


@dataclass(frozen=True, slots=True)
class Rules:
    """Days and octets that are kept; None: without limit."""

    days: float | None = None
    octets: int | None = None


def surplus(kept: Sequence[Kept], rules: Rules, running: str, now: float) -> list[Kept]:
    """What is to be erased at `now` (Unix seconds), in this order. `running`: the event of this server."""
    old = sorted((each for each in kept if each.event != running), key=lambda each: (each.ended, each.path))
    size = sum(each.size for each in kept)
    gone: list[Kept] = []
    for each in old:
        late = rules.days is not None and each.ended < now - rules.days * DAY
        large = rules.octets is not None and size > rules.octets
        if late or large:
            gone.append(each)
            size -= each.size
    return gone


@dataclass(frozen=True, slots=True)
class Stretch:
    """One segment of the programme: Unix seconds, and octets."""

    msn: int
    start: float
    end: float
    size: int


def idle(
    stretches: Sequence[Stretch],
    talks: Sequence[tuple[float, float]],
    window: float,
    since: float,
    until: float,
) -> list[Stretch]:
    """The segments that show nothing but slates and may go: begun after `since` and over before `until`, away
    from every talk (Unix seconds, from and to), and not among the newest `window` seconds, to which players
    rewind. `stretches`: oldest first."""
    found = []
    behind = 0.0
    for each in reversed(stretches):
        behind += each.end - each.start
        if behind <= window or each.start < since or each.end > until:
            continue
        if all(each.end <= start - AROUND or end + AROUND <= each.start for start, end in talks):
            found.append(each)
    return found[::-1]
