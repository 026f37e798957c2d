"""(P) Which old recordings go: by age, by size, the oldest first; never those of the event that runs."""

from collections.abc import Sequence
from dataclasses import dataclass

DAY = 86400.0


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
