"""(P) Where the pictures of a layout go: boxes with even coordinates, and how a picture fills its box."""

from dataclasses import dataclass

from broadcast.mixer.scene import Layout

MARGIN = 0.025  # of the width: around and between pictures
MOST = 6  # pictures of a grid


@dataclass(frozen=True, slots=True)
class Box:
    """A place on the programme. `cover`: fill it and cut what is over; else show all on the ground."""

    x: int
    y: int
    width: int
    height: int
    cover: bool = True
    framed: bool = True  # rounded corners

    def inner(self, width: int, height: int) -> tuple[int, int]:
        """The size to which a picture of `width` x `height` is scaled for this box (even)."""
        if width <= 0 or height <= 0:
            return self.width, self.height
        wide, high = self.width / width, self.height / height
        scale = max(wide, high) if self.cover else min(wide, high)
        if abs(wide - high) < 0.02 * max(wide, high):  # nearly its shape: no hairline of ground at the rim
            return self.width, self.height
        return max(2, _even(width * scale)), max(2, _even(height * scale))


def boxes(layout: Layout, count: int, width: int, height: int) -> tuple[Box, ...]:
    """The boxes of `count` pictures on a programme of `width` x `height`, in the order of the sources.

    Pictures beyond the layout's places get none.
    """
    if layout is Layout.SLATE or count <= 0:
        return ()
    if layout is Layout.FULL or count == 1:
        return (Box(0, 0, width, height, cover=False, framed=False),)
    if layout is Layout.PIP:
        return _pip(width, height)
    if layout is Layout.SIDE:
        return _side(width, height)
    return _grid(min(count, MOST), width, height)


def _pip(width: int, height: int) -> tuple[Box, ...]:
    """Slides whole, the speaker to their right; the lower third has its place below both."""
    gap = _even(width * MARGIN * 0.64)
    small = _even(width * 0.25)
    large = width - small - 3 * gap
    high = min(_even(large * height / width), height)
    y = min(gap, _even((height - high) / 2))
    slides = Box(gap, y, large, high, cover=False)
    return slides, Box(2 * gap + large, y, small, _even(small * 1.2))


def _side(width: int, height: int) -> tuple[Box, ...]:
    gap = _even(width * MARGIN)
    wide = _even((width - 3 * gap) / 2)
    high = _even(height * 0.68)
    y = _even(height * 0.05)
    return Box(gap, y, wide, high), Box(2 * gap + wide, y, wide, high)


def _grid(count: int, width: int, height: int) -> tuple[Box, ...]:
    columns = 2 if count <= 4 else 3
    rows = -(-count // columns)
    gap = _even(width * MARGIN * 0.64)
    top, bottom = gap, _even(height * 0.225)  # the lower third lies below the pictures
    wide = (width - (columns + 1) * gap) / columns
    high = min((height - top - bottom - (rows - 1) * gap) / rows, wide * 9 / 16)
    wide, high = _even(min(wide, high * 16 / 9)), _even(high)
    found = []
    start = _even((height - bottom - rows * high - (rows - 1) * gap) / 2 + gap / 2)
    for n in range(count):
        row, column = divmod(n, columns)
        here = min(columns, count - row * columns)  # the last row may be shorter: in the middle
        left = (width - here * wide - (here - 1) * gap) / 2
        found.append(Box(_even(left + column * (wide + gap)), start + row * (high + gap), wide, high))
    return tuple(found)


def _even(value: float) -> int:
    return int(value) // 2 * 2
