"""(P) The counters of the mixer's process as rates."""

from typing import Any


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
                        "fps": round(max(0, s["decoded"] - old["sources"].get(feed, s)["decoded"]) / span, 1),
                        "delay_ms": s["delay_ms"],
                        "failed": s["failed"],
                        "lufs": s["lufs"],
                        "gain_db": s["gain_db"],
                    }
                    for feed, s in stats["sources"].items()
                },
            }
        self._before = (now, self._frames, stats)

    def figures(self, stats: dict[str, Any]) -> dict[str, Any]:
        """The rates with what the last counters say as they are."""
        return {**self._rates, "late_ms": stats.get("late_ms", 0.0), "early": stats.get("early", 0)}
