"""Draws a generated speaker: a figure before softly moving light, their name, their voice, a clock.

`Portrait(...).picture(number)` gives picture `number` of the loop. Everything that moves does so in whole
turns a loop, so the last picture leads back to the first.
"""

from math import sin, tau

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from demo.fonts import Script, font_for, write
from demo.looks import Colour, Look

WIDTH, HEIGHT, FPS = 1280, 720, 30
COARSE = 8  # the backdrop is drawn this many times smaller, then enlarged: it is soft anyway
BARS = 44  # of the voice, newest on the right
FIGURE = (270, 80, 1010, HEIGHT)  # the box in which the figure moves; only there is it drawn anew
WHITE = (244, 247, 251)

Picture = NDArray[np.uint8]


class Portrait:
    """One speaker's pictures. `levels`: the voice's loudness for each picture of the loop, 0 to 1."""

    def __init__(self, name: str, detail: str, look: Look, levels: NDArray[np.float32]) -> None:
        self._look = look
        self._levels = levels
        self._figure = _figure(look)
        self._lettering = _lettering(name, detail, look)
        self._clock_font = font_for(Script.LATIN, 26, 500)
        rng = np.random.default_rng(7)
        # Hides the steps of the gradient. Wraps round at 0 and 255, which no colour of a look comes near.
        self._grain = np.repeat(rng.integers(-2, 3, (HEIGHT, WIDTH, 1)).astype(np.uint8), 3, axis=2)

    def picture(self, number: int) -> Picture:
        """Picture `number` as RGB, (720, 1280, 3)."""
        turn = number / len(self._levels)
        image = self._backdrop(turn, float(self._glow(number)))
        sway = (5 * sin(tau * turn) + 2 * sin(2 * tau * turn), 2.5 * sin(3 * tau * turn))
        shift = (1, 0, FIGURE[0] - sway[0], 0, 1, FIGURE[1] - sway[1])
        size = (FIGURE[2] - FIGURE[0], FIGURE[3] - FIGURE[1])
        figure = self._figure.transform(size, Image.Transform.AFFINE, shift, Image.Resampling.BILINEAR)
        image.paste(figure, FIGURE[:2], figure)
        image.paste(self._lettering, (0, 0), self._lettering)
        draw = ImageDraw.Draw(image)
        self._draw_voice(draw, number)
        seconds = number / FPS
        draw.text(
            (WIDTH - 56, 52),
            f"{int(seconds):02d}.{int(seconds % 1 * 1000):03d}",
            WHITE,
            self._clock_font,
            "ra",
        )
        return np.asarray(image)

    def _glow(self, number: int) -> np.float32:
        """The loudness over the last few pictures: light follows the voice without flicker."""
        return np.mean([self._levels[number - back] for back in range(6)], dtype=np.float32)

    def _backdrop(self, turn: float, glow: float) -> Image.Image:
        rows, columns = np.mgrid[0 : HEIGHT // COARSE, 0 : WIDTH // COARSE].astype(np.float32)
        x, y = columns * COARSE / WIDTH, rows * COARSE / HEIGHT
        look = self._look
        shade = _mix(look.ground, look.deep, np.clip(0.15 + 0.85 * y + 0.25 * (x - 0.5), 0, 1))
        lights = (
            (0.50, 0.40, 0.30, 0.30 + 0.28 * glow),  # behind the head
            (0.16 + 0.03 * sin(tau * turn), 0.30 + 0.04 * sin(tau * turn + 1), 0.16, 0.22),
            (0.86 + 0.03 * sin(tau * turn + 2), 0.62 + 0.05 * sin(tau * turn + 3), 0.20, 0.18),
            (0.72 + 0.02 * sin(tau * turn + 4), 0.18, 0.10, 0.14),
        )
        for centre_x, centre_y, radius, strength in lights:
            distance = ((x - centre_x) * WIDTH / HEIGHT) ** 2 + (y - centre_y) ** 2
            amount = strength * np.exp(-distance / (2 * (radius * 0.6) ** 2))
            shade += (np.array(look.light, np.float32) - shade) * amount[..., None]
        coarse = Image.fromarray(shade.clip(0, 255).astype(np.uint8))
        smooth = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
        return Image.fromarray(smooth + self._grain)

    def _draw_voice(self, draw: ImageDraw.ImageDraw, number: int) -> None:
        left, middle, step = WIDTH - 56 - BARS * 7, 118, 7
        for bar in range(BARS):
            level = float(self._levels[number - (BARS - 1 - bar)])
            half = 2 + 22 * level
            fade = 0.25 + 0.75 * bar / BARS
            colour = tuple(
                round(low + (high - low) * fade) for low, high in zip(self._look.ground, WHITE, strict=True)
            )
            box = (left + bar * step, middle - half, left + bar * step + 3, middle + half)
            draw.rounded_rectangle(box, 1.5, colour)


def _mix(first: Colour, second: Colour, amount: NDArray[np.float32]) -> NDArray[np.float32]:
    one, two = np.array(first, np.float32), np.array(second, np.float32)
    return one + (two - one) * amount[..., None]


def _figure(look: Look) -> Image.Image:
    """Head and shoulders as a quiet silhouette with light from behind, RGBA."""
    double = (WIDTH * 2, HEIGHT * 2)
    mask = Image.new("L", double, 0)
    draw = ImageDraw.Draw(mask)
    x, head = WIDTH, 560  # middle of the head, in doubled pixels
    half = 560 * look.width
    draw.rounded_rectangle((x - half, 985, x + half, 2000), 330, fill=255)  # shoulders
    draw.polygon(
        [(x - 250, 1010), (x - 120, 900), (x + 120, 900), (x + 250, 1010)], fill=255
    )  # slope to the neck
    draw.rectangle((x - 112, 720, x + 112, 1000), fill=255)  # neck
    draw.ellipse((x - 178, head - 240, x + 178, head + 245), fill=255)
    if look.hair == "long":
        draw.ellipse((x - 216, head - 274, x + 216, head + 170), fill=255)
        draw.polygon(
            [(x - 216, head - 40), (x + 216, head - 40), (x + 262, head + 330), (x - 262, head + 330)],
            fill=255,
        )
    elif look.hair == "bun":
        draw.ellipse((x - 196, head - 264, x + 196, head + 110), fill=255)
        draw.ellipse((x - 92, head - 356, x + 92, head - 200), fill=255)
    else:
        draw.ellipse((x - 192, head - 262, x + 192, head + 70), fill=255)
    # A wide blur and a steep threshold round every corner; a short blur leaves the edge a little soft.
    mask = mask.filter(ImageFilter.GaussianBlur(26)).point(
        [max(0, min(255, (i - 112) * 8)) for i in range(256)]
    )
    mask = mask.filter(ImageFilter.GaussianBlur(3)).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    edge = _array(mask) - _array(ImageChops.offset(mask.filter(ImageFilter.GaussianBlur(16)), 0, 12))
    rim = (edge / 255 * 1.1).clip(0, 0.85)
    rows = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None] * np.ones((1, WIDTH), np.float32)
    body = _mix(look.ground, look.figure, (0.42 + 0.75 * rows).clip(0, 1))
    body += (np.array(look.light, np.float32) - body) * rim[..., None]
    return Image.fromarray(np.dstack([body.clip(0, 255).astype(np.uint8), np.asarray(mask)]))


def _array(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(image, np.float32)


def _lettering(name: str, detail: str, look: Look) -> Image.Image:
    """The name, who they speak for, and a short line of colour: top left, clear of the lower third."""
    layer = Image.new("RGBA", (WIDTH * 2 // 3, 160), (*WHITE, 0))
    draw = ImageDraw.Draw(layer)
    draw.rounded_rectangle((56, 58, 62, 134), 3, (*look.light, 255))
    write(draw, (82, 94), name, 34, 600, (*WHITE, 255))
    write(draw, (82, 128), detail, 22, 400, (*WHITE, 205))
    return layer
