"""Titles: every script of the event is drawn by a font that has it, and inside its place."""

import numpy as np
import pytest

from broadcast.mixer.fonts import BOLD
from broadcast.mixer.layout import boxes
from broadcast.mixer.picture import Canvas, from_rgb, overlay
from broadcast.mixer.scene import Card, Layout, Strip
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.titles import Titles, _initials

NAMES = [
    "陳雅琳",
    "高橋花子",
    "Grenoble Alpes Métropole",
    "Ľubomír Šťastný",
    "हिन्दी",
    "みんなの市",
    "김민준",
    "مرحبا (GO) 23",
]


@pytest.fixture(scope="module")
def titles() -> Titles:
    return Titles(ProgrammeSettings())


@pytest.mark.parametrize(
    "name",
    ["", "x", *NAMES, "two\nlines", "A very long name of a very long city that goes on " * 5, "漢" * 200],
)
def test_a_lower_third_stays_on_the_programme(titles: Titles, name: str) -> None:
    """Whatever its texts, it has even sizes, an even place, and lies within the frame."""
    drawing, x, y = titles.strip(Strip(name, name, name))
    height, width = drawing.shape[:2]
    assert not any(value % 2 for value in (x, y, width, height))
    assert x + width <= 1280
    assert y + height <= 720
    assert y > 500


CONTROLS = "two\nlines\r\x00\x1c\x85\u2028\u2029!"


def test_line_breaks_and_other_controls_are_spaces(titles: Titles) -> None:
    """They are drawn as nothing, in one line or wrapped."""
    assert "".join(run.text for run in titles.fonts.runs(CONTROLS)) == "two lines" + " " * 6 + "!"
    assert titles.fonts.wrap("one\ntwo", 20, BOLD, 1.0, 3) == ["…", "…"]


@pytest.mark.parametrize("text", ["", *NAMES, CONTROLS, "word " * 100, "漢" * 300])
def test_a_slate_and_a_placeholder_take_any_text(titles: Titles, text: str) -> None:
    """Empty, long, in any script: drawn in the size asked for."""
    assert titles.card(Card(text, text, 1.0)).shape == (720, 1280, 3)
    assert titles.placeholder(text, 280, 336).shape == (336, 280, 3)


def test_initials_are_no_word() -> None:
    """Two letters of Arabic would join to one, and two Han characters would say something else."""
    assert [_initials(name) for name in ("Ann Lee", "محمد عبد", "陳雅琳 王")] == ["AL", "م", "陳"]


@pytest.mark.parametrize("seconds", [0, 59, 754, 3600 * 30])
def test_the_countdown_has_its_place(titles: Titles, seconds: int) -> None:
    """Even, inside, and something is drawn."""
    drawing, x, y = titles.countdown(seconds)
    assert drawing[:, :, 3].any()
    assert y + drawing.shape[0] <= 720
    assert x + drawing.shape[1] <= 1280


def test_overlays_change_only_their_own_rectangle(titles: Titles) -> None:
    """A blended lower third leaves all other rows as they were, and its own ground is hidden."""
    canvas, before = Canvas(1280, 720), Canvas(1280, 720)
    strip = overlay(*titles.strip(Strip("Name", "detail", "title")))
    strip.draw(canvas)
    changed = np.flatnonzero((canvas.planes[0] != before.planes[0]).any(axis=1))
    assert changed.min() >= strip.y
    assert changed.max() < strip.y + strip.height
    half = Canvas(1280, 720)
    strip.draw(half, 0.5)
    middle = strip.y + strip.height // 2
    assert canvas.planes[0][middle, 100] > half.planes[0][middle, 100] > before.planes[0][middle, 100]


def test_colours_survive_the_way_to_yuv() -> None:
    """White, black and the accent come out as BT.601 says."""
    image = np.zeros((2, 6, 3), np.uint8)
    image[:, 2:4] = 255
    image[:, 4:] = (0x19, 0xC3, 0xA6)
    y, u, v = from_rgb(image).planes
    assert (y[0, 0], y[0, 2]) == (16, 235)
    assert (u[0, 0], v[0, 0], u[0, 1], v[0, 1]) == (128, 128, 128, 128)
    assert (int(y[0, 4]), int(u[0, 2]), int(v[0, 2])) == pytest.approx((137, 141, 55), abs=2)


def test_framed_pictures_lie_on_a_ground_with_corners(titles: Titles) -> None:
    """Each framed box gets four corners inside itself."""
    places = boxes(Layout.GRID, 4, 1280, 720)
    ground = titles.ground(places)
    for box in places:
        corners = titles.corners(box, ground)
        assert len(corners) == 4
        for drawing, x, y in corners:
            assert box.x <= x <= box.x + box.width - drawing.shape[1]
            assert box.y <= y <= box.y + box.height - drawing.shape[0]
