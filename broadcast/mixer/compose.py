"""Composes one picture of the programme from a scene's sources and its art, with as few copies as can be.

A full-frame source of the programme's own size goes to the encoder as it was decoded; everything else is
drawn on a canvas that keeps what has not changed since the last tick.
"""

from dataclasses import dataclass

import av

from broadcast.mixer.artist import Art
from broadcast.mixer.layout import Box
from broadcast.mixer.picture import Canvas, mix
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.source import Picture, Source

FADE = 0.3  # seconds in which a lower third appears


@dataclass(slots=True, eq=False)
class Look:
    """What one tick shows of one source: its picture, if it has one, and its scaler."""

    source: Source | None
    picture: Picture | None


class Painter:
    """Draws one scene again and again onto its own canvas. `plain` stands in for a ground not drawn yet."""

    def __init__(self, settings: ProgrammeSettings, art: Art, plain: Canvas) -> None:
        self.art = art
        self._plain = plain
        self._settings = settings
        self._canvas: Canvas | None = None
        self._drawn: tuple[object, ...] = ()
        self._shape: tuple[object, ...] = ()
        self._strength = 0.0

    def follow(self, old: "Painter") -> None:
        """Come after another: a lower third that was there already does not appear anew."""
        if self.art.scene.strip == old.art.scene.strip:
            self._strength = old._strength

    def paint(self, looks: list[Look]) -> av.VideoFrame:
        """The picture of this tick. The frame belongs to the painter: valid until its next call."""
        art = self.art
        pictures = [look.picture for look in looks]
        if art.card is not None and not any(pictures):
            return self._paint_card()
        self._strength = min(1.0, self._strength + 1 / (FADE * self._settings.fps)) if art.strip else 0.0
        only = pictures[0] if len(pictures) == 1 else None
        if only is not None and self._strength == 0 and self._fits(only.frame):
            self._drawn = ()
            return only.frame
        drawn = (*map(id, pictures), self._strength, id(art.ground), len(art.empties))
        canvas = self._canvas = self._canvas or Canvas(self._settings.width, self._settings.height)
        if drawn == self._drawn:
            return canvas.frame
        self._drawn = drawn
        self._paint_pictures(canvas, looks)
        return canvas.frame

    def _paint_pictures(self, canvas: Canvas, looks: list[Look]) -> None:
        art = self.art
        shape = tuple((p.frame.width, p.frame.height) if (p := look.picture) else None for look in looks)
        ground = art.ground or self._plain
        if (shape, id(ground), len(art.empties)) != self._shape:
            self._shape = (shape, id(ground), len(art.empties))
            canvas.copy_from(ground)
        elif art.strip is not None:
            strip = art.strip
            canvas.restore(ground, strip.x, strip.y, strip.width, strip.height)
        for n, (look, box) in enumerate(zip(looks, art.boxes, strict=False)):
            frame = self._in_box(look, box, n)
            if frame is not None:
                canvas.place(frame, box.x, box.y, box.width, box.height)
        for corners in art.corners:
            for corner in corners:
                corner.draw(canvas)
        if art.strip is not None:
            art.strip.draw(canvas, self._strength)

    def _in_box(self, look: Look, box: Box, n: int) -> av.VideoFrame | None:
        if look.picture is None or look.source is None:
            return self.art.empties[n].frame if n < len(self.art.empties) else None
        frame = look.picture.frame
        return look.picture.scaled(look.source.scaler, *box.inner(frame.width, frame.height))

    def _paint_card(self) -> av.VideoFrame:
        card, countdown = self.art.card, self.art.countdown
        assert card is not None, "the caller has looked"
        if countdown is None:
            self._drawn = ()
            return card.frame
        canvas = self._canvas = self._canvas or Canvas(self._settings.width, self._settings.height)
        if self._drawn != (id(card), id(countdown)):
            self._drawn = (id(card), id(countdown))
            self._shape = ()
            canvas.copy_from(card)
            countdown.draw(canvas)
        return canvas.frame

    def _fits(self, frame: av.VideoFrame) -> bool:
        return (frame.width, frame.height) == (self._settings.width, self._settings.height)


class Dissolve:
    """From one painter to the next over a number of ticks."""

    def __init__(self, settings: ProgrammeSettings, old: Painter, ticks: int) -> None:
        self.old = old
        self._ticks = max(1, ticks)
        self._done = 0
        self._mixed = Canvas(settings.width, settings.height)
        self._views = (Canvas(settings.width, settings.height), Canvas(settings.width, settings.height))

    def paint(self, old: av.VideoFrame, new: av.VideoFrame) -> av.VideoFrame:
        """The mixture of this tick."""
        self._done += 1
        for view, frame in zip(self._views, (old, new), strict=True):
            view.place(frame, 0, 0, view.width, view.height)
        mix(self._mixed, *self._views, _eased(self._done / (self._ticks + 1)))
        return self._mixed.frame

    @property
    def over(self) -> bool:
        return self._done >= self._ticks


def drawable(art: Art, looks: list[Look], settings: ProgrammeSettings) -> bool:
    """Whether a scene can be shown now: only what its pictures leave open must have been drawn."""
    if art.ready.is_set():
        return True
    if not looks or not all(look.picture for look in looks):
        return False
    full = (settings.width, settings.height)
    whole = all(
        p is not None and (p.frame.width, p.frame.height) == full for p in (look.picture for look in looks)
    )
    return art.backed or (whole and art.bare)


def _eased(share: float) -> float:
    return share * share * (3 - 2 * share)
