"""Text in any script of the event: which font draws which characters, in which order, and how wide it is."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import NamedTuple

from PIL import ImageDraw, ImageFont, features

from broadcast.faces import CHINESE, HAN, HANGUL, JAPANESE, KANA, KOREAN, SANS, SCRIPTS, within
from broadcast.mixer.bidi import levels, shown

REGULAR, MEDIUM, BOLD = 400, 560, 700
_FACES = {**SCRIPTS, "sans": SANS, "jp": JAPANESE, "kr": KOREAN, "tc": CHINESE}
_ELLIPSIS = "…"
_JOINERS = "\u200c\u200d"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # of some Pillow draws boxes, of some it dies
_EMBEDDING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")  # orders that are given up: see bidi.py
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
_LOOKED_AT = 24  # the size in which glyphs are compared
_NOBODYS = "\U0010fffd"  # a character that no font has: it is drawn as the box for missing ones


class Run(NamedTuple):
    """Characters that one font draws in one direction."""

    face: str
    text: str
    direction: str | None  # as Pillow says it: "ltr" or "rtl"; None where nothing shapes letters


def shapes() -> bool:
    """Whether letters are joined and placed as their script asks. Pillow needs the system's FriBidi."""
    return bool(features.check("raqm"))


class Fonts:
    """Opens each font, size and weight once. One instance a thread.

    Without a shaper letters stay apart, but still run in their direction.
    """

    def __init__(self, shaper: bool | None = None) -> None:
        self._shaper = shapes() if shaper is None else shaper
        engine = ImageFont.Layout.RAQM if self._shaper else ImageFont.Layout.BASIC
        self.get = lru_cache(maxsize=128)(partial(_open, engine))
        self._has = lru_cache(maxsize=4096)(self._look_up)
        self._known = lru_cache(maxsize=4096)(self._look_for)
        self._face = lru_cache(maxsize=4096)(self._choose)

    def runs(self, text: str) -> list[Run]:
        """The text cut into runs, from the left of the line to its right.

        A space or a combining mark stays with what it follows; line breaks and other controls are spaces.
        """
        text = self._drawable(text)
        pieces: list[tuple[str, str, int]] = []
        for char, face, level in zip(text, self._faces(text), levels(text), strict=True):
            if pieces and pieces[-1][0] == face and pieces[-1][2] == level:
                pieces[-1] = (face, pieces[-1][1] + char, level)
            else:
                pieces.append((face, char, level))
        order = shown([level for _, _, level in pieces])
        return [self._run(*pieces[n]) for n in order]

    def lacking(self, text: str) -> str:
        """The characters of the text that no font has, each once."""
        return "".join(dict.fromkeys(char for char in _clean(text) if not self._known(char)))

    def width(self, text: str, size: int, weight: int) -> float:
        """Pixels from the start of the text to its end."""
        return sum(
            self.get(run.face, size, weight).getlength(run.text, direction=run.direction)
            for run in self.runs(text)
        )

    def draw(
        self, on: ImageDraw.ImageDraw, x: float, baseline: float, text: str, size: int, weight: int, fill: str
    ) -> float:
        """Draw with the left end of the baseline at (x, baseline); gives where the text ends."""
        for face, run, direction in self.runs(text):
            font = self.get(face, size, weight)
            on.text((x, baseline), run, font=font, fill=fill, anchor="ls", direction=direction)
            x += font.getlength(run, direction=direction)
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
            text = _shorter(text)
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

    def _run(self, face: str, text: str, level: int) -> Run:
        if self._shaper:
            return Run(face, text, ("ltr", "rtl")[level % 2])
        return Run(face, text[::-1].translate(_MIRRORED) if level % 2 else text, None)

    def _drawable(self, text: str) -> str:
        """The text as it can be drawn. What no font has is left out, but for letters: a box tells of them."""
        return "".join(
            self._known(char) or (char if unicodedata.category(char)[0] in "LN" else "")
            for char in _clean(text)
        )

    def _look_for(self, char: str) -> str:
        """The character, or plainer ones that stand for it, or nothing if no font has them."""
        plain = unicodedata.normalize("NFKC", char)
        return next((those for those in (char, plain) if all(map(self._finds, those))), "")

    def _finds(self, char: str) -> bool:
        return self._has(self._face(char, "tc"), char)

    def _faces(self, text: str) -> Iterator[str]:
        """Which face draws each of the characters."""
        han = "jp" if any(within(c, KANA) for c in text) else "tc"
        face = ""
        for char in text:
            stays = char == " " or char in _JOINERS or unicodedata.combining(char)
            if not (face and stays and self._has(face, char)):
                face = self._face(char, han)
            yield face

    def _choose(self, char: str, han: str) -> str:
        """The face that is meant for the character, or the one of Han characters, which has more signs."""
        face = _meant(char, han)
        return face if self._has(face, char) else han

    def _look_up(self, face: str, char: str) -> bool:
        """Whether the face draws something else than the box for missing characters."""
        font = self.get(face, _LOOKED_AT, REGULAR)
        return bytes(font.getmask(char)) != bytes(font.getmask(_NOBODYS))


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", _EMBEDDING.sub("", _CONTROL.sub(" ", text)))


def _meant(char: str, han: str) -> str:
    """The face by the character's block."""
    if char.isascii():
        return "sans"
    for name, face in SCRIPTS.items():
        if face.has(char):
            return name
    if within(char, HANGUL):
        return "kr"
    return han if within(char, HAN) else "sans"


def _shorter(text: str) -> str:
    """The text without its last letter and the signs on it."""
    end = len(text) - 1
    while end > 0 and (text[end] in _JOINERS or unicodedata.category(text[end]).startswith("M")):
        end -= 1
    return text[:end]


def _words(text: str) -> Iterator[str]:
    """Pieces that a line may be broken after: words with their space, single Han characters."""
    word = ""
    for char in text:
        if within(char, HAN) and not unicodedata.category(char).startswith("P"):
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


def _open(engine: ImageFont.Layout, face: str, size: int, weight: int) -> ImageFont.FreeTypeFont:
    its = _FACES[face]
    font = ImageFont.truetype(str(its.at(weight)), size, its.number, layout_engine=engine)
    if not its.heavier:
        wanted = {b"Weight": weight, b"Width": 100}
        font.set_variation_by_axes([wanted[axis["name"] or b""] for axis in font.get_variation_axes()])
    return font
