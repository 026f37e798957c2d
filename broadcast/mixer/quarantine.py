"""(P) Which feeds the mixer must not be given again: those that were being decoded when it crashed, twice.

One crash may be chance (another feed, a fault of memory); two within seconds in the same feed's decoder are
not. Who publishes anew is let in again.
"""

from collections.abc import Set

WINDOW = 10.0  # seconds between two crashes of which the same feed is guilty
DEATHS = 8  # crashes that are remembered


class Quarantine:
    """`feeds` are out. Times in monotonic seconds."""

    def __init__(self) -> None:
        self.feeds: frozenset[str] = frozenset()
        self._deaths: list[tuple[float, frozenset[str]]] = []

    def died(self, suspects: Set[str], now: float) -> frozenset[str]:
        """The mixer crashed while these feeds were being decoded. Gives those that are out from now on."""
        recent = [(at, others) for at, others in self._deaths if now - at < WINDOW]
        guilty = frozenset(feed for feed in suspects if any(feed in others for _, others in recent))
        self._deaths = [*recent, (now, frozenset(suspects))][-DEATHS:]
        new = guilty - self.feeds
        self.feeds |= guilty
        return new

    def readmit(self, feed: str) -> None:
        """This feed is published anew: what the old one did is forgotten."""
        self.feeds -= {feed}
        self._deaths = [(at, others - {feed}) for at, others in self._deaths]
