"""Fonts: every script is drawn by a font that has it, and lines run the way that they are read."""

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from broadcast.faces import CHINESE, JAPANESE, KOREAN, SANS, SCRIPTS
from broadcast.mixer.fonts import BOLD, MEDIUM, REGULAR, Fonts

FACES = {**SCRIPTS, "sans": SANS, "jp": JAPANESE, "kr": KOREAN, "tc": CHINESE}
NAMES = {
    "tc": "陳雅琳",
    "jp": "高橋さん",
    "kr": "김민준",
    "sans": "Grenoble Ľubomír Šťastný Ελλάδα Київ Nguyễn",
    "devanagari": "हिन्दी",
    "arabic": "محمد عبد الرحمن، یکتا ٹ ٢٠٢٣",
    "hebrew": "דוד בן־גוריון יו״ר שָׁלוֹם",
    "thai": "สมชาย ใจดี ผู้ปกครอง",
    "bengali": "রবীন্দ্রনাথ ঠাকুর ২০২৩",
    "tamil": "முத்துவேல் கருணாநிதி",
}
HELLO, WORLD = "مرحبا", "بالعالم"


@pytest.fixture(scope="module")
def fonts() -> Fonts:
    return Fonts()


def drawn(fonts: Fonts, text: str) -> NDArray[np.uint8]:
    """The line as a picture, as wide as it is."""
    image = Image.new("L", (round(fonts.width(text, 40, BOLD)), 80))
    fonts.draw(ImageDraw.Draw(image), 0, 55, text, 40, BOLD, "white")
    return np.asarray(image)


@pytest.mark.parametrize("face", NAMES)
def test_every_character_is_in_its_font(fonts: Fonts, face: str) -> None:
    """The tables of the fonts hold every character of these names; nothing is drawn as a box."""
    assert {run.face for run in fonts.runs(NAMES[face])} == {face}
    for run in fonts.runs(NAMES[face]):
        table = TTFont(FACES[face].file, fontNumber=FACES[face].number, lazy=True).getBestCmap()
        assert {ord(char) for char in run.text} <= table.keys()
    assert not fonts.lacking(NAMES[face])


@pytest.mark.parametrize("face", FACES)
def test_every_weight_is_another_drawing(fonts: Fonts, face: str) -> None:
    """Also of a font that has a file for each weight."""
    sample = NAMES[face][0]
    weights = [np.mean(stroke(fonts, face, weight, sample)) for weight in (REGULAR, MEDIUM, BOLD)]
    assert weights == sorted(weights)
    assert len(set(weights)) == 3


def stroke(fonts: Fonts, face: str, weight: int, char: str) -> NDArray[np.uint8]:
    """One large character."""
    image = Image.new("L", (120, 120))
    ImageDraw.Draw(image).text((20, 80), char, 255, fonts.get(face, 60, weight), "ls")
    return np.asarray(image)


def test_han_characters_are_japanese_beside_kana_and_chinese_otherwise(fonts: Fonts) -> None:
    """The same character is drawn as its readers write it."""
    assert [run.face for run in fonts.runs("陳雅琳 Chen")] == ["tc", "sans"]
    assert {run.face for run in fonts.runs("高橋さん")} == {"jp"}
    assert "".join(run.text for run in fonts.runs("陳雅琳 a हिन्दी")) == "陳雅琳 a हिन्दी"


def test_a_line_in_arabic_runs_from_right_to_left(fonts: Fonts) -> None:
    """The greeting that it begins with is at the right, joined, and the Latin name in its own order."""
    line = f"{HELLO} GO SMART 2023"
    assert "".join(run.text for run in fonts.runs(line)) == f"GO SMART 2023{HELLO} "
    picture, hello, latin = drawn(fonts, line), drawn(fonts, HELLO), drawn(fonts, "GO SMART 2023")
    assert np.array_equal(ink(picture[:, -hello.shape[1] - 2 :]), ink(hello))
    assert np.array_equal(ink(picture[:, : latin.shape[1]]), ink(latin))


def ink(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """What is drawn, without the empty columns at its sides and the softness of its edges."""
    columns = np.flatnonzero((picture > 200).any(axis=0))
    ready: NDArray[np.bool_] = picture[:, columns[0] : columns[-1] + 1] > 200
    return ready


def test_a_latin_name_does_not_turn_an_arabic_line_round(fonts: Fonts) -> None:
    """Most of it is Arabic: the name that comes first is at the right."""
    texts = [run.text for run in fonts.runs(f"GO SMART: {HELLO} {WORLD}")]
    assert texts[-1] == "GO SMART"
    assert f"{HELLO} {WORLD}" in texts
    assert "".join(run.text for run in fonts.runs(f"Welcome to {HELLO} 2023!")).startswith("Welcome to ")


def test_what_no_font_has_is_left_out_unless_it_is_a_letter(fonts: Fonts) -> None:
    """No box for an emoji or a stray sign; a sign that another font has is drawn with that one."""
    assert "".join(run.text for run in fonts.runs("a\U0001f389b\ue000c\ufe0f")) == "abc\ufe0f"
    assert [run.face for run in fonts.runs("★")] == ["tc"]
    assert "".join(run.text for run in fonts.runs("\U0001d400nn")) == "Ann"
    assert fonts.lacking("Ann \U0001f389 გია ★\n") == "\U0001f389გია"
    assert "".join(run.text for run in fonts.runs("გია")) == "გია"


def test_a_cut_leaves_no_letter_without_its_signs(fonts: Fonts) -> None:
    """A line that is too long ends with a whole syllable."""
    for room in range(40, 200, 7):
        text, _ = fonts.fit("முத்துவேல் கி கி கி கி", 30, BOLD, room)
        start = "முத்துவேல் கி கி கி கி".removeprefix(text.removesuffix("…"))
        assert not start or start[0] not in "ு்ேி"


def test_without_a_shaper_lines_still_run_their_way() -> None:
    """On a machine without FriBidi: the letters stand apart, in order, and nothing dies."""
    bare = Fonts(shaper=False)
    line = f"{HELLO} (GO)"
    assert "".join(run.text for run in bare.runs(line)) == f"(GO) {HELLO[::-1]}"
    assert drawn(bare, line).any()
    assert bare.width(line, 40, BOLD) > 0


@given(st.text(max_size=30))
def test_any_text_can_be_drawn(fonts: Fonts, text: str) -> None:
    """Whatever somebody calls themselves."""
    assert fonts.width(text, 12, REGULAR) >= 0
    fonts.draw(ImageDraw.Draw(Image.new("L", (64, 32))), 0, 20, text, 12, REGULAR, "white")
