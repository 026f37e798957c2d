"""Boxes: inside the programme, even, apart from one another, above the lower third."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.mixer.layout import Box, boxes
from broadcast.mixer.scene import Layout

sizes = st.sampled_from([(1280, 720), (1920, 1080), (640, 360), (854, 480), (720, 720)])


@given(st.sampled_from(Layout), st.integers(0, 8), sizes)
def test_boxes_are_even_inside_and_apart(layout: Layout, count: int, size: tuple[int, int]) -> None:
    """Whatever the layout and the number of pictures, no box leaves the frame or touches another."""
    width, height = size
    found = boxes(layout, count, width, height)
    assert len(found) <= max(count, 0) or layout is Layout.SLATE
    for box in found:
        assert all(value % 2 == 0 for value in (box.x, box.y, box.width, box.height))
        assert box.x >= 0
        assert box.y >= 0
        assert box.width > 16
        assert box.height > 16
        assert box.x + box.width <= width
        assert box.y + box.height <= height
    for one, other in combinations(found, 2):
        assert (
            one.x + one.width < other.x
            or other.x + other.width < one.x
            or one.y + one.height < other.y
            or other.y + other.height < one.y
        )


@pytest.mark.parametrize("layout", [Layout.PIP, Layout.SIDE])
def test_the_lower_third_has_its_own_place(layout: Layout) -> None:
    """With two pictures, a lower third of three lines (182 of 720 pixels from below) hides none of them."""
    assert all(box.y + box.height <= 720 - 182 for box in boxes(layout, 2, 1280, 720))


@given(st.integers(16, 4000), st.integers(16, 4000), st.booleans())
def test_a_picture_is_scaled_to_cover_or_to_fit(width: int, height: int, cover: bool) -> None:
    """To cover, both sides reach the box; to fit, none goes beyond; sizes are even."""
    box = Box(0, 0, 640, 360, cover=cover)
    wide, high = box.inner(width, height)
    assert wide % 2 == 0
    assert high % 2 == 0
    if cover:
        assert wide >= 638
        assert high >= 358
    else:
        assert wide <= 640
        assert high <= 360


def test_a_picture_without_size_gets_the_box() -> None:
    """A size of zero, which no decoder should give, does not divide by it."""
    assert Box(0, 0, 640, 360).inner(0, 0) == (640, 360)
