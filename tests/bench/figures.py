"""What a bench says: figures with their bars, as a table and as JSON. Pure."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `bar` is the limit, `at_least` says which way; without a bar it only informs."""

    name: str
    value: float | None  # None: could not be measured; `note` says why
    unit: str = ""
    bar: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "MISS" if self.bar is not None else "-"
        if self.bar is None:
            return ""
        good = self.value >= self.bar if self.at_least else self.value <= self.bar
        return "pass" if good else "MISS"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below or at which `share` (0 to 1) of all lie: nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return percentile(values, 0.5)


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """By how much the values grow in one unit of time: the straight line with the least squares."""
    middle, level = sum(times) / len(times), sum(values) / len(values)
    spread = sum((at - middle) ** 2 for at in times)
    return sum((at - middle) * (value - level) for at, value in zip(times, values, strict=True)) / spread


def floor(values: Sequence[float], windows: int) -> list[float]:
    """The lowest value of each of so many windows of one size: what comes and goes does not count."""
    edges = [len(values) * n // windows for n in range(windows + 1)]
    return [min(values[begin:end]) for begin, end in pairwise(edges) if end > begin]


def table(figures: Sequence[Figure]) -> str:
    """All figures as lines of text, in columns."""
    rows = [("figure", "measured", "bar", "", "note")]
    for figure in figures:
        sign = "≥" if figure.at_least else "≤"
        bar = "" if figure.bar is None else f"{sign} {figure.bar:g} {figure.unit}".rstrip()
        value = "-" if figure.value is None else f"{figure.value:.4g} {figure.unit}".rstrip()
        rows.append((figure.name, value, bar, figure.verdict, figure.note))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in rows
    )


def as_json(figures: Sequence[Figure]) -> list[dict[str, object]]:
    """All figures for programs."""
    return [{**asdict(figure), "verdict": figure.verdict} for figure in figures]
