"""(P) What the mixer has in sight: how old the picture is that it has of each staged feed.

That packets come says nothing of what is in them. Only who decodes them knows whether there is a picture, and
this is what viewers see: so it decides whether a feed is alive. The process says so with every tick. See
docs/decisions/022-what-the-mixer-sees.md.
"""

from collections.abc import Mapping

GRACE = 2.0  # seconds in which a new process may show again what the one before it had in sight


class Sights:
    """`say` with each report. Times in monotonic seconds, ages in seconds."""

    def __init__(self) -> None:
        self._ages: Mapping[str, float | None] = {}
        self._before: Mapping[str, float | None] = {}  # what the last process said in the end
        self._grace_until = float("-inf")

    def begun(self, now: float) -> None:
        """Another process is on air. What the one before saw in the end counts for a while: the new one has
        to ask for keyframes first. While there is none, nothing changes."""
        self._before, self._ages = self._ages or self._before, {}
        self._grace_until = now + GRACE

    def say(self, ages: Mapping[str, float | None]) -> None:
        """The age of the picture of each staged feed, None where there is none that can be used."""
        self._ages = ages

    def sees(self, feed: str, hold: float, now: float) -> bool:
        """Whether there is a picture of this feed that came at most `hold` seconds ago."""
        age = self._ages.get(feed)
        if age is None and now < self._grace_until:
            age = self._before.get(feed)
        return age is not None and age <= hold
