"""Draws what is not a camera: the ground, the slate, lower thirds and empty places. No state but the fonts.

All sizes are for a programme 720 pixels high and grow with it. Drawing takes 10 to 100 ms, so the mixer
never does it in a tick (see artist.py).
"""

import colorsys
import math
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFilter

from broadcast.mixer.fonts import BOLD, MEDIUM, REGULAR, Fonts
from broadcast.mixer.layout import Box
from broadcast.mixer.scene import Card, Strip
from broadcast.mixer.settings import ProgrammeSettings

Drawing = NDArray[np.uint8]  # (rows, columns, 3) opaque or 4 with transparency
RADIUS = 14
SMOOTH = 3  # shapes are drawn this much larger and scaled down


class Titles:
    """Draws for one programme. One instance a thread."""

    def __init__(self, settings: ProgrammeSettings) -> None:
        self.width = settings.width
        self.height = settings.height
        self.look = settings.look
        self.fonts = Fonts()
        self._unit = settings.height / 720
        self._plain: Drawing | None = None
        self._ring_mask: Image.Image | None = None

    # -- grounds -------------------------------------------------------------------------------------------

    def ground(self, boxes: Sequence[Box] = ()) -> Drawing:
        """What lies behind the pictures: night blue, with a soft shadow under every framed picture."""
        image = Image.fromarray(self._night())
        framed = [box for box in boxes if box.framed]
        if framed:
            shade = Image.new("L", image.size, 0)
            for box in framed:
                ImageDraw.Draw(shade).rounded_rectangle(
                    _corners(box, 0, self._px(6)), self._px(RADIUS), fill=150
                )
            shade = shade.filter(ImageFilter.GaussianBlur(self._px(12)))
            image.paste(Image.new("RGB", image.size, "#02060b"), mask=shade)
        return np.asarray(image)

    def corners(self, box: Box, ground: Drawing) -> list[tuple[Drawing, int, int]]:
        """The four corners of a framed box in the colours of the ground, to lay over its picture."""
        size = self._px(RADIUS) // 2 * 2
        disc = Image.new("L", (2 * size * SMOOTH, 2 * size * SMOOTH), 255)
        ImageDraw.Draw(disc).ellipse((0, 0, 2 * size * SMOOTH - 1, 2 * size * SMOOTH - 1), fill=0)
        mask = np.asarray(disc.resize((2 * size, 2 * size), Image.Resampling.LANCZOS))
        found = []
        for right in (0, 1):
            for low in (0, 1):
                x, y = box.x + right * (box.width - size), box.y + low * (box.height - size)
                colour = ground[y : y + size, x : x + size]
                alpha = mask[low * size : (low + 1) * size, right * size : (right + 1) * size]
                found.append((np.dstack((colour, alpha)), x, y))
        return found

    # -- the slate -----------------------------------------------------------------------------------------

    def card(self, card: Card) -> Drawing:
        """The slate, without its countdown."""
        image = Image.fromarray(self._night())
        image.paste(*self._rings())
        draw = ImageDraw.Draw(image)
        left, room = self._px(88), self.width - 2 * self._px(88)
        self._masthead(draw, left)
        lines, size = self._title(card.title, round(room * 0.86))
        step = round(size * 1.2)
        base = round(self.height * (0.47 if card.until is None else 0.40)) - (len(lines) - 1) * step // 2
        draw.rounded_rectangle(
            (left, base - size - self._px(34), left + self._px(64), base - size - self._px(29)),
            self._px(2),
            self.look.accent,
        )
        for n, line in enumerate(lines):
            self.fonts.draw(draw, left, base + n * step, line, size, BOLD, self.look.text)
        base += (len(lines) - 1) * step + self._px(62)
        for line in self.fonts.wrap(card.message, self._px(28), REGULAR, room * 0.8, 2):
            self.fonts.draw(draw, left, base, line, self._px(28), REGULAR, self.look.muted)
            base += self._px(40)
        return np.asarray(image)

    def countdown(self, seconds: int) -> tuple[Drawing, int, int]:
        """The time left, with transparency, and its place on the slate. Digits keep their places."""
        hours, rest = divmod(max(0, seconds), 3600)
        text = f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60:02}:{rest % 60:02}"
        size, left = self._px(84), self._px(88)
        high = self._px(120) // 2 * 2
        image = Image.new("RGBA", (self._px(640) // 2 * 2, high), (*ImageColor.getrgb(self.look.text)[:3], 0))
        draw = ImageDraw.Draw(image)
        cell = self.fonts.width("0", size, MEDIUM)
        x = 0.0
        for char in text:
            wide = cell if char != ":" else cell * 0.5
            own = self.fonts.width(char, size, MEDIUM)
            lift = 0 if char != ":" else self._px(7)
            colour = self.look.text if char != ":" else self.look.accent
            self.fonts.draw(draw, x + (wide - own) / 2, self._px(88) - lift, char, size, MEDIUM, colour)
            x += wide
        return np.asarray(image), left // 2 * 2, round(self.height * 0.72) // 2 * 2

    def _masthead(self, draw: ImageDraw.ImageDraw, left: int) -> None:
        """The event's name above, its place below."""
        size = self._px(20)
        if self.look.event:
            y = self._px(84)
            draw.ellipse(
                (left, y - self._px(13), left + self._px(12), y - self._px(1)), fill=self.look.accent
            )
            self.fonts.draw(draw, left + self._px(26), y, self.look.event, size, MEDIUM, self.look.text)
        if self.look.place:
            wide = self.fonts.width(self.look.place, size, REGULAR)
            x = self.width - left - wide
            self.fonts.draw(
                draw, x, self.height - self._px(64), self.look.place, size, REGULAR, self.look.muted
            )

    def _title(self, text: str, room: int) -> tuple[list[str], int]:
        """Lines and size: as large as fits into two lines."""
        for size in (self._px(n) for n in (72, 64, 56, 48)):
            lines = self.fonts.wrap(text, size, BOLD, room, 9)
            if len(lines) <= 2:
                return lines, size
        return self.fonts.wrap(text, self._px(44), BOLD, room, 3), self._px(44)

    def _night(self) -> Drawing:
        """Ink, lighter towards the upper right, with a breath of the accent; dithered against bands."""
        if self._plain is None:
            self._plain = self._draw_night()
        return self._plain

    def _draw_night(self) -> Drawing:
        y, x = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32)
        x, y = x / self.width, y / self.height
        ink, panel, accent = (
            np.array(ImageColor.getrgb(c), np.float32)
            for c in (self.look.ink, self.look.panel, self.look.accent)
        )
        light = np.clip(1.15 - np.hypot((x - 0.86) * 1.1, (y - 0.12) * 1.2), 0, 1)[:, :, None] ** 1.5
        glow = np.clip(1 - np.hypot((x - 1.0) * 1.5, (y - 1.05) * 1.5), 0, 1)[:, :, None] ** 2
        vignette = (0.72 + 0.28 * np.clip(1.3 - np.hypot(x - 0.55, y - 0.5), 0, 1))[:, :, None]
        colour = (ink + (panel * 1.45 - ink) * light + accent * 0.10 * glow) * vignette
        noise = np.random.default_rng(7).uniform(-0.6, 0.6, (self.height, self.width, 1)).astype(np.float32)
        drawn: Drawing = np.clip(colour + noise + 0.5, 0, 255).astype(np.uint8)
        return drawn

    def _rings(self) -> tuple[Image.Image, tuple[int, int], Image.Image]:
        """Thin circles that run out of the picture at the right: a city's rings, or waves on the air."""
        wide, high = self.width // 2, self.height
        if self._ring_mask is None:
            self._ring_mask = self._draw_rings(wide, high)
        return Image.new("RGB", (wide, high), self.look.accent), (self.width - wide, 0), self._ring_mask

    def _draw_rings(self, wide: int, high: int) -> Image.Image:
        mask = Image.new("L", (wide * 2, high * 2), 0)
        draw = ImageDraw.Draw(mask)
        cx, cy = wide * 2 * 0.94, high * 2 * 0.46
        for n in range(9):
            radius = high * 2 * (0.12 + 0.095 * n)
            start = 37 * n % 360
            shade = max(8, 62 - 6 * n)
            draw.arc(
                (cx - radius, cy - radius, cx + radius, cy + radius),
                0,
                360,
                fill=shade // 3,
                width=self._px(3),
            )
            draw.arc(
                (cx - radius, cy - radius, cx + radius, cy + radius),
                start,
                start + 70,
                fill=shade * 2,
                width=self._px(4),
            )
            angle = math.radians(start + 70)
            dot = self._px(7)
            px, py = cx + radius * math.cos(angle), cy + radius * math.sin(angle)
            draw.ellipse((px - dot, py - dot, px + dot, py + dot), fill=shade * 3)
        return mask.resize((wide, high), Image.Resampling.LANCZOS)

    # -- lower thirds ----------------------------------------------------------------------------------------

    def strip(self, strip: Strip) -> tuple[Drawing, int, int]:
        """A lower third with transparency, and its place: the title on a slim tab, below it who speaks."""
        left, low = self._px(48), self.height - self._px(40)
        most = self.width - 2 * left - self._px(58)
        name, name_size = self.fonts.fit(strip.name, self._px(36), BOLD, most)
        detail, detail_size = self.fonts.fit(strip.detail, self._px(21), REGULAR, most)
        title, title_size = self.fonts.fit(strip.title, self._px(19), MEDIUM, most)
        pad, bar = self._px(26), self._px(7)
        wide = max(self.fonts.width(name, name_size, BOLD), self.fonts.width(detail, detail_size, REGULAR))
        tab = self.fonts.width(title, title_size, MEDIUM) + 2 * pad if title else 0
        wide = round(max(wide + 2 * pad + bar, tab + bar, self._px(360)))
        high = self._px(104 if detail else 72)
        tab_high = self._px(38) if title else 0
        top = low - high - tab_high
        size = ((wide + 3) // 2 * 2, (high + tab_high + 1) // 2 * 2)
        image = self._panel(size, tab_high, bar)
        draw = ImageDraw.Draw(image)
        x = bar + pad
        if title:
            self.fonts.draw(draw, x, self._px(26), title, title_size, MEDIUM, self.look.ink)
        base = tab_high + (self._px(49) if detail or name_size < self._px(36) else self._px(48))
        self.fonts.draw(draw, x, base, name, name_size, BOLD, self.look.text)
        self.fonts.draw(draw, x, tab_high + self._px(82), detail, detail_size, REGULAR, self.look.muted)
        return np.asarray(image), left // 2 * 2, top // 2 * 2

    def _panel(self, size: tuple[int, int], tab: int, bar: int) -> Image.Image:
        """The ground of a lower third: rounded, a bar of the accent at the left, the tab above."""
        wide, high = size
        mask = Image.new("L", (wide * SMOOTH, high * SMOOTH), 0)
        ImageDraw.Draw(mask).rounded_rectangle(
            (0, 0, wide * SMOOTH - 1, high * SMOOTH - 1), self._px(10) * SMOOTH, fill=255
        )
        shape = np.asarray(mask.resize(size, Image.Resampling.LANCZOS)).astype(np.float32)
        ink, panel, accent = (
            np.array(ImageColor.getrgb(c), np.float32)
            for c in (self.look.ink, self.look.panel, self.look.accent)
        )
        fall = np.linspace(0, 1, wide, dtype=np.float32)[None, :, None]
        colour = np.broadcast_to(panel * (1 - fall) + ink * fall, (high, wide, 3)).copy()
        colour[:tab] = accent
        colour[tab:, :bar] = accent
        alpha = shape * 0.93
        alpha[:tab] = shape[:tab] * 0.97
        return Image.fromarray(np.dstack((colour, alpha)).astype(np.uint8), "RGBA")

    # -- empty places ----------------------------------------------------------------------------------------

    def placeholder(self, label: str, width: int, height: int) -> Drawing:
        """What stands in a box without a picture: initials in a ring, the name, a word of patience."""
        y = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
        ink, panel = (np.array(ImageColor.getrgb(c), np.float32) for c in (self.look.ink, self.look.panel))
        colour = np.broadcast_to(panel * 1.35 * (1 - y) + (ink * 0.35 + panel * 0.65) * y, (height, width, 3))
        image = Image.fromarray(np.clip(colour, 0, 255).astype(np.uint8))
        unit = min(width / 640, height / 360)
        ring = max(16, round(54 * unit))
        cx, cy = width // 2, round(height * 0.40)
        hue = _hue(label, self.look.accent)
        disc = Image.new("L", (2 * ring * SMOOTH, 2 * ring * SMOOTH), 0)
        edge = 2 * ring * SMOOTH - 1
        ImageDraw.Draw(disc).ellipse(
            (0, 0, edge, edge), fill=46, outline=255, width=max(1, round(3 * unit * SMOOTH))
        )
        disc = disc.resize((2 * ring, 2 * ring), Image.Resampling.LANCZOS)
        image.paste(Image.new("RGB", disc.size, hue), (cx - ring, cy - ring), disc)
        draw = ImageDraw.Draw(image)
        self._centred(
            draw, cx, cy + round(15 * unit), _initials(label), round(42 * unit), MEDIUM, self.look.text, width
        )
        self._centred(
            draw,
            cx,
            cy + ring + round(52 * unit),
            label,
            max(11, round(28 * unit)),
            BOLD,
            self.look.text,
            width,
        )
        low = cy + ring + round(84 * unit)
        self._centred(
            draw, cx, low, "One moment, please", max(9, round(17 * unit)), REGULAR, self.look.muted, width
        )
        return np.asarray(image)

    def _centred(
        self,
        draw: ImageDraw.ImageDraw,
        x: int,
        base: int,
        text: str,
        size: int,
        weight: int,
        fill: str,
        room: int,
    ) -> None:
        text, size = self.fonts.fit(text, max(1, size), weight, room * 0.88)
        self.fonts.draw(draw, x - self.fonts.width(text, size, weight) / 2, base, text, size, weight, fill)

    def _px(self, pixels: float) -> int:
        return max(1, round(pixels * self._unit))


def _corners(box: Box, grow: int, down: int) -> tuple[int, int, int, int]:
    return box.x - grow, box.y - grow + down, box.x + box.width + grow, box.y + box.height + grow + down


def _initials(label: str) -> str:
    words = [word for word in label.replace("-", " ").split() if word[0].isalnum()]
    if not words:
        return ""
    first = words[0][0]
    if ord(first) >= 0x2E80 or unicodedata.bidirectional(first) in ("R", "AL") or len(words) == 1:
        return first  # two of Han say something else, and two of Arabic join to a word
    return first + words[-1][0]


def _hue(label: str, accent: str) -> str:
    """A colour of the label's own, near the accent: two empty places differ."""
    r, g, b = (part / 255 for part in ImageColor.getrgb(accent)[:3])
    h, light, s = colorsys.rgb_to_hls(r, g, b)
    h = (h + (sum(label.encode()) % 7 - 3) * 0.035) % 1
    return "#" + "".join(f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(h, light, s * 0.8))
