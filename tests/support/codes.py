"""A number in a picture's top edge, as black and white cells, that a test reads back in the viewer.

20 cells of 64 x 40 pixels: 1 0 | two bits: whose picture | twelve bits: its number | four bits: a check. The
lower third and the other titles are drawn elsewhere.
"""

import numpy as np
from numpy.typing import NDArray

CELLS = 20
NUMBERS = 1 << 12


def code_of(who: int, number: int) -> int:
    """The 20 bits for picture `number` (it counts round at 4096) of speaker `who` (0 to 3)."""
    number %= NUMBERS
    check = (who + (number & 15) + (number >> 4 & 15) + (number >> 8)) % 16
    return 0b10 << 18 | who << 16 | number << 4 | check


def read(code: int) -> tuple[int, int] | None:
    """(who, number) of a code read back, or None when it is damaged."""
    if code < 0 or code >> 18 != 0b10:
        return None
    who, number = code >> 16 & 3, code >> 4 & (NUMBERS - 1)
    return (who, number) if code_of(who, number) == code else None


def stamp(picture: NDArray[np.uint8], code: int, height: int = 40) -> None:
    """Draw the code into an RGB picture of 1280 x 720, or into another with cells of that height."""
    cell = picture.shape[1] // CELLS
    for place in range(CELLS):
        light = 235 if code >> (CELLS - 1 - place) & 1 else 20
        picture[:height, place * cell : (place + 1) * cell] = light
