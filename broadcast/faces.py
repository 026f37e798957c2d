"""The fonts that come with Pavilion: which characters each is for, and where its file lies.

The mixer draws titles with them, and the pages get parts of them. They come from packages, so that a title
looks alike on every machine. Most are variable fonts: one file, every weight.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import fontpkg_heebo
import fontpkg_hind_siliguri
import fontpkg_noto_sans
import fontpkg_noto_sans_arabic
import fontpkg_noto_sans_devanagari
import fontpkg_noto_sans_tamil
import fontpkg_noto_sans_thai
import manimgx_fonts_cjk

Blocks = tuple[tuple[int, int], ...]  # the first and the last character of each

HAN: Blocks = (
    (0x2E80, 0x2FFF),
    (0x3000, 0x312F),
    (0x31A0, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE4F),
    (0xFF00, 0xFFEF),
    (0x20000, 0x3FFFF),
)
KANA: Blocks = ((0x3040, 0x30FF), (0x31F0, 0x31FF))
HANGUL: Blocks = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7AF))


@dataclass(frozen=True, slots=True)
class Face:
    """A font: a variable one, or a file for each weight."""

    blocks: Blocks
    file: Path
    number: int = 0  # within a collection
    heavier: tuple[tuple[int, Path], ...] = ()  # the files of other weights than 400, if it is not variable

    def has(self, char: str) -> bool:
        """Whether it is this face that the character is drawn with."""
        return within(char, self.blocks)

    def of(self, text: str) -> str:
        """The characters of the text that are this face's."""
        return "".join(sorted(set(filter(self.has, text))))

    def at(self, weight: int) -> Path:
        """The file for this weight, or the nearest that there is."""
        files = ((400, self.file), *self.heavier)
        return min(files, key=lambda file: abs(file[0] - weight))[1]


def within(char: str, blocks: Blocks) -> bool:
    """Whether the character is in one of the blocks."""
    return any(low <= ord(char) <= high for low, high in blocks)


def _file(package: ModuleType, name: str) -> Path:
    return Path(str(package.__file__)).parent / name


def _bengali(weight: str) -> Path:
    return _file(fontpkg_hind_siliguri, f"files/HindSiliguri-{weight}.ttf")


# Latin, Greek and Cyrillic, quotes, dashes, arrows, signs; asked for all that is no other face's as well.
SANS = Face(
    (
        (0x20, 0x52F),
        (0x1E00, 0x1FFF),
        (0x2010, 0x203F),
        (0x20AC, 0x20AC),
        (0x2190, 0x2193),
        (0x2212, 0x2212),
    ),
    _file(fontpkg_noto_sans, "files/NotoSans[wdth,wght].ttf"),
)
# Scripts that have a font to themselves.
SCRIPTS = {
    "devanagari": Face(
        ((0x0900, 0x097F), (0x1CD0, 0x1CFF), (0xA8E0, 0xA8FF)),
        _file(fontpkg_noto_sans_devanagari, "files/NotoSansDevanagari[wdth,wght].ttf"),
    ),
    "arabic": Face(
        ((0x0600, 0x06FF), (0x0750, 0x077F), (0x0870, 0x08FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE)),
        _file(fontpkg_noto_sans_arabic, "files/NotoSansArabic[wdth,wght].ttf"),
    ),
    "hebrew": Face(
        ((0x0590, 0x05FF), (0xFB1D, 0xFB4F)),
        _file(fontpkg_heebo, "files/Heebo[wght].ttf"),
    ),
    "thai": Face(
        ((0x0E00, 0x0E7F),),
        _file(fontpkg_noto_sans_thai, "files/NotoSansThai[wdth,wght].ttf"),
    ),
    "bengali": Face(
        ((0x0980, 0x09FF),),
        _bengali("Regular"),
        heavier=((500, _bengali("Medium")), (600, _bengali("SemiBold")), (700, _bengali("Bold"))),
    ),
    "tamil": Face(
        ((0x0B80, 0x0BFF),),
        _file(fontpkg_noto_sans_tamil, "files/NotoSansTamil[wdth,wght].ttf"),
    ),
}
# Of one collection: Han characters differ by country.
JAPANESE = Face(HAN, _file(manimgx_fonts_cjk, "NotoSansCJK-VF.otf.ttc"))
KOREAN = replace(JAPANESE, blocks=HANGUL, number=1)
CHINESE = replace(JAPANESE, number=3)
