"""Writes a line of text in any script of the event, run by run in the font that has its characters."""

from enum import Enum
from importlib.resources import files

from PIL import ImageDraw, ImageFont


class Script(Enum):
    """Which font a run of characters needs."""

    LATIN = "latin"
    DEVANAGARI = "devanagari"
    CHINESE = "Noto Sans CJK TC"
    JAPANESE = "Noto Sans CJK JP"


def write(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: int,
    weight: int,
    fill: tuple[int, ...],
) -> None:
    """Write one line with its baseline's left end at `at`, `size` in pixels, `weight` 100 to 900."""
    x, y = at
    for script, run in runs(text):
        font = font_for(script, size, weight)
        draw.text((x, y), run, fill, font, "ls")
        x += font.getlength(run)


def runs(text: str) -> list[tuple[Script, str]]:
    """The text in runs of one script; spaces and signs stay with the run before them."""
    ideographs = Script.JAPANESE if any(0x3040 <= ord(char) <= 0x30FF for char in text) else Script.CHINESE
    found: list[tuple[Script, str]] = []
    for char in text:
        script = _script(char, ideographs)
        if found and (script is found[-1][0] or not char.isalnum()) and script is not Script.DEVANAGARI:
            found[-1] = (found[-1][0], found[-1][1] + char)
        elif found and found[-1][0] is script:  # vowel signs of Devanagari are not letters
            found[-1] = (script, found[-1][1] + char)
        else:
            found.append((script, char))
    return found


def font_for(script: Script, size: int, weight: int) -> ImageFont.FreeTypeFont:
    """The font of a script. It comes as a package: nothing depends on what the machine has installed."""
    if script is Script.DEVANAGARI:
        font = ImageFont.truetype(
            _path("fontpkg_noto_sans_devanagari", "NotoSansDevanagari[wdth,wght].ttf"), size
        )
        font.set_variation_by_axes([weight, 100])
    elif script is Script.LATIN:
        font = ImageFont.truetype(_path("fontpkg_noto_sans", "NotoSans[wdth,wght].ttf"), size)
        font.set_variation_by_axes([weight, 100])
    else:
        path = str(files("manimgx_fonts_cjk") / "NotoSansCJK-VF.otf.ttc")
        faces = (ImageFont.truetype(path, size, index=index) for index in range(5))
        font = next(face for face in faces if (face.getname()[0] or "").startswith(script.value))
        font.set_variation_by_axes([weight])
    return font


def _script(char: str, ideographs: Script) -> Script:
    if 0x0900 <= ord(char) <= 0x097F:
        return Script.DEVANAGARI
    return ideographs if ord(char) >= 0x2E80 else Script.LATIN


def _path(package: str, name: str) -> str:
    return str(files(package) / "files" / name)
