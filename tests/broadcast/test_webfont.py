"""The event's fonts hold its characters, and are cut once."""

import io
from pathlib import Path

from fontTools.ttLib import TTFont

from broadcast.webfont import EventFonts, cut, faces


def test_a_cut_font_has_the_characters_and_little_else() -> None:
    """Hindi letters come with what shapes them, and the file stays small."""
    data = cut(faces()["devanagari"], "भारत")
    font = TTFont(io.BytesIO(data))
    assert {ord(char) for char in "भारत"} <= font.getBestCmap().keys()
    assert "GSUB" in font
    assert len(data) < 40_000


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
