"""(P) Watches the talk on air: dead when its last picture has stopped, back when they have come for a while.

Hysteresis: a talk that fell back returns after `RETURN_SECONDS` of pictures; each further fall within
`FLAP_WINDOW` doubles that, up to `RETURN_LIMIT`, so that a line that comes and goes does not flicker on air.
Nothing here is journalled: after a restart the watch begins anew, with a grace for the speakers to return.
"""

from collections.abc import Collection, Sequence, Set
from enum import StrEnum

DEAD_SECONDS = 0.02  # two looks, not one: a single one may fall into a stall of this process itself
STALL_SECONDS = 0.3  # a longer gap between two looks says more about us than about the feed
TAKE_GRACE = 1.0  # for what is new to show its first picture
RESTART_GRACE = 10.0  # for the speakers to come back after a restart of the server
RETURN_SECONDS = 0.15
RETURN_LIMIT = 4.0
FLAP_WINDOW = 30.0


class Verdict(StrEnum):
    """What the watch has seen."""

    DEAD = "dead"
    BACK = "back"


class Watch:
    """`look` at each turn; all times in monotonic seconds. `grace`: until the first picture must be there."""

    def __init__(self, grace: float = TAKE_GRACE) -> None:
        self._grace = grace
        self._talk: str | None = None
        self._restart_grace = float("-inf")
        self._armed = False
        self._grace_until = 0.0
        self._looked = float("-inf")
        self._dead_since: float | None = None
        self._alive_since: float | None = None
        self._falls: list[float] = []  # within FLAP_WINDOW, so at most one each RETURN_SECONDS

    def restarted(self, now: float) -> None:
        """The server began again: every speaker has to come back first."""
        self._restart_grace = now + RESTART_GRACE

    def look(self, talk: str, on_air: bool, alive: bool, patient: bool, now: float) -> Verdict | None:
        """Judge the talk that is on air, or (`on_air` False) held and waiting to come back.

        `patient`: it was taken although it had no picture, so it is judged only once it has had one.
        """
        if talk != self._talk:
            self._follow(talk, max(now + self._grace, self._restart_grace))
        stalled = now - self._looked > STALL_SECONDS
        self._looked = now
        if alive:
            self._armed, self._dead_since = True, None
            self._alive_since = now if self._alive_since is None or stalled else self._alive_since
        else:
            self._alive_since = None
            self._dead_since = now if self._dead_since is None or stalled else self._dead_since
        return self._is_dead(patient, now) if on_air else self._is_back(now)

    def _follow(self, talk: str, grace_until: float) -> None:
        self._talk = talk
        self._armed = False
        self._grace_until = grace_until
        self._falls = []
        self._dead_since = self._alive_since = None

    def _is_dead(self, patient: bool, now: float) -> Verdict | None:
        if self._dead_since is None or now - self._dead_since < DEAD_SECONDS:
            return None
        if not self._armed and (patient or now < self._grace_until):
            return None
        self._falls = [fall for fall in self._falls if now - fall < FLAP_WINDOW]
        self._falls.append(now)
        return Verdict.DEAD

    def _is_back(self, now: float) -> Verdict | None:
        if self._alive_since is None:
            return None
        wait = min(RETURN_SECONDS * 2.0 ** max(0, len(self._falls) - 1), RETURN_LIMIT)
        return Verdict.BACK if now - self._alive_since >= wait else None


class Panel:
    """Watches the pictures of the talk on air one by one, where it has several.

    Who dies is left out of the scene, and back with the same hysteresis as a talk; never all of them, for
    then the talk itself falls back.
    """

    def __init__(self) -> None:
        self._talk: str | None = None
        self._watches: dict[str, Watch] = {}
        self._restarted: float | None = None

    def restarted(self, now: float) -> None:
        """The server began again: every speaker has to come back first."""
        self._talk, self._restarted = None, now

    def look(
        self, talk: str, pictures: Sequence[str], missing: Set[str], lost: Collection[str], now: float
    ) -> tuple[str, ...]:
        """Which of these pictures the talk is to be drawn without; `lost` is without which it is drawn."""
        if talk != self._talk:
            self._talk, self._watches = talk, {}
        if len(pictures) < 2:
            return ()
        if missing >= set(pictures):  # then it is the talk itself that falls back
            return tuple(feed for feed in pictures if feed in lost)
        self._watches = {feed: self._watches.get(feed) or self._new() for feed in pictures}
        dead = tuple(feed for feed in pictures if self._is_lost(feed, feed in lost, feed not in missing, now))
        if len(dead) == len(pictures):  # better one that has only just come back than none
            dead = tuple(feed for feed in pictures if feed in missing)
        return dead

    def _is_lost(self, feed: str, lost: bool, alive: bool, now: float) -> bool:
        verdict = self._watches[feed].look(feed, not lost, alive, False, now)
        return lost if verdict is None else verdict is Verdict.DEAD

    def _new(self) -> Watch:
        watch = Watch()
        if self._restarted is not None:
            watch.restarted(self._restarted)
        return watch
