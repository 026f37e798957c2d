"""Text in any script of the event: which font draws which characters, and how wide that is.

The fonts come from packages, so that a title looks alike on every machine. They are variable fonts: one
file, every weight.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import fontpkg_noto_sans
import fontpkg_noto_sans_devanagari
import manimgx_fonts_cjk
from PIL import ImageDraw, ImageFont

REGULAR, MEDIUM, BOLD = 400, 560, 700
_FACES = {"jp": 0, "kr": 1, "tc": 3}  # of the CJK collection; Han characters differ by country
_HAN = (
    (0x2E80, 0x2FFF),
    (0x3000, 0x312F),
    (0x31A0, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE4F),
    (0xFF00, 0xFFEF),
    (0x20000, 0x3FFFF),
)
_HANGUL = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7AF))
_KANA = ((0x3040, 0x30FF), (0x31F0, 0x31FF))
_DEVANAGARI = ((0x0900, 0x097F), (0x1CD0, 0x1CFF), (0xA8E0, 0xA8FF))
_ELLIPSIS = "…"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # of some Pillow draws boxes, of some it dies


class Fonts:
    """Opens each font, size and weight once. One instance a thread."""

    def __init__(self) -> None:
        self.get = lru_cache(maxsize=128)(_open)

    def width(self, text: str, size: int, weight: int) -> float:
        """Pixels from the start of the text to its end."""
        return sum(self.get(face, size, weight).getlength(run) for face, run in runs(text))

    def draw(
        self, on: ImageDraw.ImageDraw, x: float, baseline: float, text: str, size: int, weight: int, fill: str
    ) -> float:
        """Draw with the left end of the baseline at (x, baseline); gives where the text ends."""
        for face, run in runs(text):
            font = self.get(face, size, weight)
            on.text((x, baseline), run, font=font, fill=fill, anchor="ls")
            x += font.getlength(run)
        return x

    def fit(self, text: str, size: int, weight: int, room: float, least: float = 0.7) -> tuple[str, int]:
        """The text and size that fit the room: smaller down to `least` of the size, then cut with "…"."""
        width = self.width(text, size, weight)
        if width <= room:
            return text, size
        small = max(int(size * least), int(size * room / width))
        while small > size * least and self.width(text, small, weight) > room:
            small -= 1
        if self.width(text, small, weight) <= room:
            return text, small
        while text and self.width(text.rstrip() + _ELLIPSIS, small, weight) > room:
            text = text[:-1]
        return text.rstrip() + _ELLIPSIS, small

    def wrap(self, text: str, size: int, weight: int, room: float, most: int) -> list[str]:
        """At most `most` lines, broken at spaces and between Han characters; the last may be cut."""
        lines = [""]
        for word in _words(_CONTROL.sub(" ", text)):
            if lines[-1] and self.width((lines[-1] + word).rstrip(), size, weight) > room:
                lines.append("")
                word = word.lstrip()
            lines[-1] += word
        lines = [line.strip() for line in lines if line.strip()]
        if len(lines) > most:
            lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
        return [self.fit(line, size, weight, room, least=1.0)[0] for line in lines]


def runs(text: str) -> Iterator[tuple[str, str]]:
    """The text cut into (face, run) such that one font has every character of a run.

    A space or a combining mark stays with what it follows; line breaks and other controls are spaces.
    """
    text = unicodedata.normalize("NFC", _CONTROL.sub(" ", text))
    han = "jp" if any(_within(c, _KANA) for c in text) else "tc"
    face, run = "", ""
    for char in text:
        its = _face(char, han)
        if face and (char == " " or unicodedata.combining(char) or char in "\u200c\u200d"):
            its = face
        if its != face and run:
            yield face, run
            run = ""
        face = its
        run += char
    if run:
        yield face, run


def _face(char: str, han: str) -> str:
    if _within(char, _DEVANAGARI):
        return "devanagari"
    if _within(char, _HANGUL):
        return "kr"
    if _within(char, _HAN):
        return han
    return "sans"


def _within(char: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= ord(char) <= high for low, high in ranges)


def _words(text: str) -> Iterator[str]:
    """Pieces that a line may be broken after: words with their space, single Han characters."""
    word = ""
    for char in text:
        if _within(char, _HAN) and not unicodedata.category(char).startswith("P"):
            if word:
                yield word
            word = char
            continue
        word += char
        if char == " ":
            yield word
            word = ""
    if word:
        yield word


def _open(face: str, size: int, weight: int) -> ImageFont.FreeTypeFont:
    if face in _FACES:
        path = _file(manimgx_fonts_cjk, "NotoSansCJK-VF.otf.ttc")
        font = ImageFont.truetype(path, size, index=_FACES[face])
    elif face == "devanagari":
        font = ImageFont.truetype(
            _file(fontpkg_noto_sans_devanagari, "files/NotoSansDevanagari[wdth,wght].ttf"), size
        )
    else:
        font = ImageFont.truetype(_file(fontpkg_noto_sans, "files/NotoSans[wdth,wght].ttf"), size)
    wanted = {b"Weight": weight, b"Width": 100}
    font.set_variation_by_axes([wanted[axis["name"] or b""] for axis in font.get_variation_axes()])
    return font


def _file(package: object, name: str) -> str:
    return str(Path(str(package.__file__)).parent / name)  # type: ignore[attr-defined]
