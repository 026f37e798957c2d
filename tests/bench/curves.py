"""Curves as SVG: so few lines of it that no library is worth it. Pure."""

from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#1b5e9e", "#c2571a", "#2f7d4f", "#7a3fa0", "#8a6d00")
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 420, 64, 48, 200, 48  # px; the margins hold the words

Point = tuple[float, float]


def chart(title: str, across: str, up: str, lines: Mapping[str, Sequence[Point]]) -> str:
    """Lines by name, from zero, as an SVG document. Each point is marked and has its value beside it."""
    points = [point for line in lines.values() for point in line]
    right = max((x for x, _ in points), default=1.0) or 1.0
    high = (max((y for _, y in points), default=1.0) or 1.0) * 1.1
    inner, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(point: Point) -> Point:
        return LEFT + point[0] / right * inner, TOP + (1 - point[1] / high) * tall

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 24, title, size=16),
        _text(LEFT, TOP - 8, up),
        _text(LEFT + inner, HEIGHT - 12, across, anchor="end"),
        f'<path d="M{LEFT} {TOP}V{TOP + tall}H{LEFT + inner}" fill="none" stroke="#444"/>',
    ]
    for step in range(5):
        level = high * step / 4
        _, y = at((0, level))
        parts.append(_text(LEFT - 6, y + 4, f"{level:.3g}", anchor="end"))
        parts.append(f'<path d="M{LEFT} {y:.1f}H{LEFT + inner}" stroke="#ddd"/>')
    parts += [
        _text(at((x, 0))[0], TOP + tall + 16, f"{x:g}", anchor="middle")
        for x in sorted({x for x, _ in points})
    ]
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [at(point) for point in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), (_, value) in zip(places, line, strict=True):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
            parts.append(_text(x, y - 7, f"{value:.3g}", anchor="middle", colour=colour))
        parts.append(_text(LEFT + inner + 16, TOP + 18 * number + 10, name, colour=colour))
    return "\n".join([*parts, "</svg>\n"])


def _text(
    x: float, y: float, words: str, *, anchor: str = "start", size: int = 12, colour: str = "#222"
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}"'
    return f"<text {place}>{escape(words)}</text>"
