"""How each generated speaker looks and sounds: a colour, a figure and a pitch, distinct for each.

Pure: (place in the rundown) -> Look.
"""

import colorsys
from dataclasses import dataclass

Colour = tuple[int, int, int]

# Pitches of a pentatonic scale: any two of them sound well together, should two feeds ever be heard at once.
PITCHES = (116.5, 174.6, 130.8, 196.0, 146.8, 220.0, 155.6, 233.1)
# Hues that keep apart on a projector, all of one calm saturation.
HUES = (0.47, 0.60, 0.08, 0.78, 0.36, 0.53, 0.95, 0.67)


@dataclass(frozen=True, slots=True)
class Look:
    """`pitch` in Hz; colours are RGB of 0 to 255; `hair` is "short", "long" or "bun"."""

    deep: Colour
    ground: Colour
    light: Colour
    figure: Colour
    pitch: float
    hair: str
    width: float  # of the shoulders, 1 is average


def look_for(place: int) -> Look:
    """The look of the person who is `place` (0, 1, 2, ...) in the rundown."""
    hue = HUES[place % len(HUES)]
    return Look(
        deep=_rgb(hue, 0.62, 0.16),
        ground=_rgb(hue, 0.50, 0.42),
        light=_rgb(hue, 0.28, 0.80),
        figure=_rgb(hue + 0.02, 0.55, 0.13),
        pitch=PITCHES[place % len(PITCHES)],
        hair=("long", "short", "short", "bun")[place % 4],
        width=(0.92, 1.08, 1.14, 0.96)[place % 4],
    )


def _rgb(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)
