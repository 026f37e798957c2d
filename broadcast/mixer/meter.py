"""(P) The counters of the mixer's process as rates, and how loud each feed was."""

from collections import deque
from typing import Any

from broadcast.mixer.sound import RATE

LOOKS = 6  # at the counters of sound: what is missing is a share of what was played in these five seconds
LEAST = 2 * RATE  # samples of which one can say so
KNOWN = 500  # feeds whose loudness is remembered; beyond, that of the oldest is forgotten


class Meter:
    """Turns the counters of the process into rates."""

    def __init__(self) -> None:
        self._frames = 0
        self._before: tuple[float, int, dict[str, Any]] | None = None
        self._rates: dict[str, Any] = {"fps": 0.0, "cpu": 0.0, "sources": {}}
        self.loudness: dict[str, float] = {}  # LUFS of the feeds staged last, for the next process
        self._sound: dict[str, deque[tuple[int, int]]] = {}  # of each source: samples played, and missing

    def frame(self) -> None:
        self._frames += 1

    def update(self, stats: dict[str, Any], now: float) -> None:
        """New counters, about once a second."""
        self._listen(stats["sources"])
        self._remember(stats["sources"])
        if self._before is not None and now > self._before[0]:
            then, frames, old = self._before
            span = now - then
            self._rates = {
                "fps": round((self._frames - frames) / span, 1),
                "cpu": round(max(0.0, stats["cpu_seconds"] - old["cpu_seconds"]) / span, 3),
                "sources": {
                    feed: {
                        "fps": round(max(0, s["decoded"] - old["sources"].get(feed, s)["decoded"]) / span, 1),
                        "delay_ms": s["delay_ms"],
                        "failed": s["failed"],
                        "lufs": s["lufs"],
                        "gain_db": s["gain_db"],
                        "missing": _share(self._sound[feed]),
                    }
                    for feed, s in stats["sources"].items()
                },
            }
        self._before = (now, self._frames, stats)

    def figures(self, stats: dict[str, Any]) -> dict[str, Any]:
        """The rates with what the last counters say as they are."""
        return {**self._rates, "late_ms": stats.get("late_ms", 0.0), "early": stats.get("early", 0)}

    def _remember(self, sources: dict[str, Any]) -> None:
        for feed, figures in sources.items():
            if figures["lufs"] is not None:
                self.loudness.pop(feed, None)
                self.loudness[feed] = figures["lufs"]
        while len(self.loudness) > KNOWN:
            del self.loudness[next(iter(self.loudness))]

    def _listen(self, sources: dict[str, Any]) -> None:
        self._sound = {feed: self._sound.get(feed, deque(maxlen=LOOKS)) for feed in sources}
        for feed, looks in self._sound.items():
            played, missing = sources[feed]["sound"]
            if looks and played < looks[-1][0]:
                looks.clear()  # the source has begun anew
            looks.append((played, missing))


def _share(looks: deque[tuple[int, int]]) -> float | None:
    """Of the sound that was played: how much of it was missing. None: hardly any was played."""
    played, missing = (now - before for before, now in zip(looks[0], looks[-1], strict=True))
    return round(missing / played, 3) if played >= LEAST else None
