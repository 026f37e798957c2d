"""The event's fonts hold its characters, and are cut once."""

import io
import re
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from broadcast.webfont import EventFonts, cut, faces


def test_a_cut_font_has_the_characters_and_little_else() -> None:
    """Hindi letters come with what shapes them, and the file stays small."""
    data = cut(faces()["devanagari"], "भारत")
    font = TTFont(io.BytesIO(data))
    assert {ord(char) for char in "भारत"} <= font.getBestCmap().keys()
    assert "GSUB" in font
    assert len(data) < 40_000


@pytest.mark.parametrize(
    ("name", "text"),
    [("arabic", "محمد"), ("hebrew", "שָׁלוֹם"), ("thai", "ผู้"), ("bengali", "রবীন্দ্র"), ("tamil", "கருணா")],
)
def test_every_script_can_be_cut(name: str, text: str) -> None:
    """Its letters come with what joins and places them."""
    face = faces()[name]
    assert set(face.of(f"{text} Ann 陳")) == set(text)
    font = TTFont(io.BytesIO(cut(face, text)))
    assert {ord(char) for char in text} <= font.getBestCmap().keys()
    assert {"GSUB", "GPOS"} & set(font.keys())


def test_pages_ask_for_what_is_cut() -> None:
    """css/base.css knows every face, with the same characters, and all text is set in them."""
    css = (Path(__file__).parents[2] / "web" / "css" / "base.css").read_text()
    asked = dict(re.findall(r"/fonts/(\w+)\.woff2.*?unicode-range: (.*?);", css, re.S))
    assert asked.keys() == faces().keys()
    for name, face in faces().items():
        blocks = (f"U+{low:04X}-{high:04X}" if low != high else f"U+{low:04X}" for low, high in face.blocks)
        assert asked[name] == ", ".join(blocks), name
    families = re.findall(r"font-family: ('Pavilion.*?');", css)
    assert len(families) == len(faces())
    listed = css[css.index("--face:") :].split(";")[0]
    assert all(family in listed for family in families)


async def test_fonts_are_prepared_once_and_only_where_needed(tmp_path: Path) -> None:
    """An event with Chinese names gets a Han font and no Devanagari one; a second start finds it."""
    fonts = EventFonts(tmp_path, ["臺灣 · Taiwan", "福岡市"])
    assert fonts.path("han") is None
    await fonts.prepare()
    path = fonts.path("han")
    assert path is not None
    assert fonts.path("devanagari") is None
    assert {ord(char) for char in "臺灣福岡市"} <= TTFont(path).getBestCmap().keys()
    made = path.stat().st_mtime_ns
    again = EventFonts(tmp_path, ["臺灣 · Taiwan", "福岡市"])
    await again.prepare()
    assert again.path("han") == path
    assert path.stat().st_mtime_ns == made


async def test_latin_is_always_there(tmp_path: Path) -> None:
    """French and Slovak are in the font of every page, in all weights and one width."""
    fonts = EventFonts(tmp_path, [])
    await fonts.prepare()
    path = fonts.path("latin")
    assert path is not None
    font = TTFont(path)
    assert {ord(char) for char in "Métropole Ľubomír Šťastný –“”"} <= font.getBestCmap().keys()
    assert [axis.axisTag for axis in font["fvar"].axes] == ["wght"]
