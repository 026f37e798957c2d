"""(P) The counters of the mixer's process as rates."""

from typing import Any

from broadcast.mixer.sound import RATE


class Meter:
    """Turns the counters of the process into rates."""

    def __init__(self) -> None:
        self._frames = 0
        self._before: tuple[float, int, dict[str, Any]] | None = None
        self._rates: dict[str, Any] = {"fps": 0.0, "cpu": 0.0, "sources": {}}

    def frame(self) -> None:
        self._frames += 1

    def update(self, stats: dict[str, Any], now: float) -> None:
        """New counters, about once a second."""
        if self._before is not None and now > self._before[0]:
            then, frames, old = self._before
            span = now - then
            self._rates = {
                "fps": round((self._frames - frames) / span, 1),
                "cpu": round(max(0.0, stats["cpu_seconds"] - old["cpu_seconds"]) / span, 3),
                "sources": {
                    feed: {
                        "fps": round(_gained(feed, "decoded", stats, old) / span, 1),
                        "delay_ms": s["delay_ms"],
                        "failed": s["failed"],
                        "lufs": s["lufs"],
                        "gain_db": s["gain_db"],
                        "made_up": round(_gained(feed, "made_up", stats, old) / RATE / span, 3),
                    }
                    for feed, s in stats["sources"].items()
                },
            }
        self._before = (now, self._frames, stats)

    def figures(self, stats: dict[str, Any]) -> dict[str, Any]:
        """The rates with what the last counters say as they are."""
        return {**self._rates, "late_ms": stats.get("late_ms", 0.0), "early": stats.get("early", 0)}


def _gained(feed: str, counter: str, stats: dict[str, Any], old: dict[str, Any]) -> int:
    """By how much a counter of a source has grown; 0 for a source that is new, or begun anew."""
    now = stats["sources"][feed]
    return int(max(0, now[counter] - old["sources"].get(feed, now)[counter]))
