"""Fonts for the pages: Latin, and just the characters of this event in any other script.

A name in Chinese, Hindi or Arabic must not be a row of boxes on the screen of a pavilion or in a
viewer's browser, and a bare kiosk must look as designed. The fonts that the mixer draws with hold all
that, but weigh 40 MB; what a page needs of them weighs a few kilobytes. They are cut once, in a process of
their own because it takes seconds of CPU, and kept by the hash of the characters.

    python -m broadcast.webfont FACE OUTPUT < characters
"""

import asyncio
import hashlib
import io
import logging
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from broadcast import priority
from broadcast.faces import CHINESE, SANS, SCRIPTS, Face

# What pages are written in: ASCII to Latin Extended-B (French, Slovak, ...), quotes, dashes, arrows, signs.
LATIN = "".join(
    map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x250), *range(0x2010, 0x2040), *range(0x2190, 0x2194)))
)

log = logging.getLogger("pavilion.webfont")


def faces() -> dict[str, Face]:
    """The faces by the name that css/base.css knows them by."""
    han = replace(CHINESE, blocks=((0x2E80, 0xA8DF), (0xAC00, 0xFAFF), (0xFE30, 0xFE4F), (0xFF00, 0x3FFFF)))
    return {"latin": SANS, "han": han, **SCRIPTS}  # the Chinese face has kana and hangul, too


def cache_folder() -> Path:
    """Where cut fonts are kept for every event and server of this user (XDG base directories)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pavilion" / "fonts"


class EventFonts:
    """The event's own fonts. `path` answers None until a font is ready, or when the event needs none."""

    def __init__(self, folder: Path, texts: Iterable[str]) -> None:
        self._folder = folder
        self._text = LATIN + "\u20ac\u2212" + "".join(texts)
        self._ready: dict[str, Path] = {}

    def path(self, name: str) -> Path | None:
        """The WOFF2 file of this face."""
        return self._ready.get(name)

    async def prepare(self) -> None:
        """Cut what is not there yet. A failure costs the fonts, never the show."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            log.warning("no fonts for the pages: %s", error)
            return
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
        sys.executable,
        "-m",
        "broadcast.webfont",
        name,
        str(path),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # its own priority
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
    # Here, because a server that was killed has to be back at once, and never cuts itself.
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    options = subset.Options()
    options.layout_features = ["*"]
    font = TTFont(face.file, fontNumber=face.number, lazy=True)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(font)
    if "fvar" in font and any(axis.axisTag == "wdth" for axis in font["fvar"].axes):
        font = instantiateVariableFont(font, {"wdth": 100})  # pages use every weight, and one width
    font.flavor = "woff2"
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def main(name: str, output: str) -> None:
    """Cut one font; it appears under its name only when it is whole."""
    priority.take(priority.LAST)
    data = cut(faces()[name], sys.stdin.buffer.read().decode())
    partial = Path(output).with_suffix(".part")
    partial.write_bytes(data)
    partial.rename(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
