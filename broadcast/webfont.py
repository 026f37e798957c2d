"""Fonts for the pages: just the characters of this event in scripts that a machine may have no font for.

A name in Chinese, Japanese or Hindi must not be a row of boxes on the screen of a pavilion or in a
viewer's browser. The fonts that the mixer draws with hold them all, but weigh 30 MB; what the event needs
of them weighs a few kilobytes. They are cut once, in a process of their own because it takes seconds of
CPU, and kept by the hash of the characters.

    python -m broadcast.webfont FACE OUTPUT < characters
"""

import asyncio
import hashlib
import io
import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import fontpkg_noto_sans_devanagari
import manimgx_fonts_cjk
from fontTools import subset
from fontTools.ttLib import TTFont

log = logging.getLogger("pavilion.webfont")


@dataclass(frozen=True, slots=True)
class Face:
    """A font file of which the pages get a part."""

    file: Path
    number: int  # within a collection
    low: int  # the first and the last character that it is asked for
    high: int

    def of(self, text: str) -> str:
        """The characters of the text that are this face's."""
        return "".join(sorted({char for char in text if self.low <= ord(char) <= self.high}))


def faces() -> dict[str, Face]:
    """The faces by the name that css/base.css knows them by."""
    han = Path(manimgx_fonts_cjk.__file__).parent / "NotoSansCJK-VF.otf.ttc"
    nagari = Path(fontpkg_noto_sans_devanagari.__file__).parent / "files"
    return {
        "han": Face(han, 3, 0x2E80, 0x3FFFF),  # 3 is the Traditional Chinese one; it has kana and hangul, too
        "devanagari": Face(next(nagari.glob("NotoSansDevanagari*.ttf")), 0, 0x0900, 0x097F),
    }


class EventFonts:
    """The event's own fonts. `path` answers None until a font is ready, or when the event needs none."""

    def __init__(self, folder: Path, texts: Iterable[str]) -> None:
        self._folder = folder
        self._text = "".join(texts)
        self._ready: dict[str, Path] = {}

    def path(self, name: str) -> Path | None:
        """The WOFF2 file of this face."""
        return self._ready.get(name)

    async def prepare(self) -> None:
        """Cut what is not there yet. A failure costs the fonts, never the show."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, face in faces().items():
            characters = face.of(self._text)
            if not characters:
                continue
            key = hashlib.sha256(f"{face.file.name} {characters}".encode()).hexdigest()[:16]
            path = self._folder / f"{name}-{key}.woff2"
            if not path.exists():
                await _cut_elsewhere(name, characters, path)
            if path.exists():
                self._ready[name] = path


async def _cut_elsewhere(name: str, characters: str, path: Path) -> None:
    """Run this file in a process of its own, at low priority, and wait for it."""
    process = await asyncio.create_subprocess_exec(
        *("nice", sys.executable, "-m", "broadcast.webfont", name, str(path)),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, complaint = await process.communicate(characters.encode())
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        log.warning("no %s font for the pages: %s", name, complaint.decode(errors="replace")[-300:])


def cut(face: Face, characters: str) -> bytes:
    """A WOFF2 font with these characters, every weight and what shapes them."""
    options = subset.Options()
    options.layout_features = ["*"]
    font = TTFont(face.file, fontNumber=face.number, lazy=True)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(font)
    font.flavor = "woff2"
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def main(name: str, output: str) -> None:
    """Cut one font; it appears under its name only when it is whole."""
    data = cut(faces()[name], sys.stdin.buffer.read().decode())
    partial = Path(output).with_suffix(".part")
    partial.write_bytes(data)
    partial.rename(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
