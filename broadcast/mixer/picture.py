"""Pictures as YUV 4:2:0 planes: decoded ones, drawn ones, and drawings blended over them. No state, no clock.

Everything here is BT.601, limited range: what browsers send and expect when nothing else is said. Sources
that say otherwise are converted once, when they are decoded.
"""

from dataclasses import dataclass

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Wide = NDArray[np.uint16]
BLACK = (16, 128, 128)
LARGEST = 4096 * 2304  # pixels of a source's picture; larger ones are refused
_FULL_RANGE = int(ColorRange.JPEG)
_BT709 = 1  # AVCOL_SPC_BT709


def planes(frame: av.VideoFrame) -> tuple[Plane, Plane, Plane]:
    """Views of the three planes of a yuv420p frame, without the padding: shape (rows, columns)."""
    y, u, v = (
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]  # type: ignore[call-overload]
        for plane in frame.planes
    )
    return y, u, v


class Canvas:
    """A frame to draw on, black at first. Width and height are even."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.frame = av.VideoFrame(width, height, "yuv420p")
        self.planes = planes(self.frame)
        for plane, value in zip(self.planes, BLACK, strict=True):
            plane[:] = value

    def copy_from(self, other: "Canvas") -> None:
        """Take all of a canvas of the same size."""
        for mine, its in zip(self.planes, other.planes, strict=True):
            np.copyto(mine, its)

    def restore(self, other: "Canvas", x: int, y: int, width: int, height: int) -> None:
        """Take one (even) rectangle of a canvas of the same size."""
        for n, (mine, its) in enumerate(zip(self.planes, other.planes, strict=True)):
            part = _part(x, y, width, height, n > 0)
            mine[part] = its[part]

    def place(self, frame: av.VideoFrame, x: int, y: int, width: int, height: int) -> None:
        """Copy a yuv420p frame into the middle of an (even) rectangle; what is over is cut on both sides."""
        cut_x = max(0, frame.width - width) // 4 * 2
        cut_y = max(0, frame.height - height) // 4 * 2
        wide, high = min(frame.width, width), min(frame.height, height)
        left, top = x + (width - wide) // 4 * 2, y + (height - high) // 4 * 2
        for n, (mine, its) in enumerate(zip(self.planes, planes(frame), strict=True)):
            mine[_part(left, top, wide, high, n > 0)] = its[_part(cut_x, cut_y, wide, high, n > 0)]


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """A drawing with transparency at an (even) place: premultiplied planes, and what is left of the ground.

    `over`: drawing times opacity, 0 to 255 * 256; `under`: 256 minus opacity, 0 to 256.
    """

    x: int
    y: int
    width: int
    height: int
    over: tuple[Wide, Wide, Wide]
    under: tuple[Wide, Wide, Wide]

    def draw(self, canvas: Canvas, strength: float = 1.0) -> None:
        """Blend over the canvas; `strength` 0 to 1 fades it."""
        fade = round(strength * 256)
        if fade <= 0:
            return
        for n, plane in enumerate(canvas.planes):
            part = plane[_part(self.x, self.y, self.width, self.height, n > 0)]
            over, under = self.over[n], self.under[n]
            if fade < 256:
                under = (256 - ((256 - under) * np.uint16(fade) >> 8)).astype(np.uint16)
                over = (over.astype(np.uint32) * fade >> 8).astype(np.uint16)
            blended = np.multiply(part, under, dtype=np.uint16)
            np.add(blended, over, out=blended)
            np.right_shift(blended, 8, out=blended)
            np.copyto(part, blended, casting="unsafe")


def mix(onto: Canvas, old: Canvas, new: Canvas, share: float) -> None:
    """A dissolve: `share` (0 to 1) of `new`, the rest of `old`, drawn onto a third canvas."""
    part = round(share * 256)
    for target, before, after in zip(onto.planes, old.planes, new.planes, strict=True):
        blended = np.multiply(before, np.uint16(256 - part), dtype=np.uint16)
        np.add(blended, np.multiply(after, np.uint16(part), dtype=np.uint16), out=blended)
        np.right_shift(blended, 8, out=blended)
        np.copyto(target, blended, casting="unsafe")


def from_rgb(image: NDArray[np.uint8]) -> Canvas:
    """A drawn opaque picture: shape (rows, columns, 3), both even."""
    height, width = image.shape[:2]
    canvas = Canvas(width, height)
    for plane, values in zip(canvas.planes, _yuv(image.astype(np.float32)), strict=True):
        plane[:] = np.clip(values + 0.5, 0, 255).astype(np.uint8)
    return canvas


def overlay(image: NDArray[np.uint8], x: int, y: int) -> Overlay:
    """A drawing with straight alpha (rows, columns, 4), even in sizes and place; empty rims are cut."""
    top, bottom, left, right = _used(image[:, :, 3])
    image = image[top:bottom, left:right]
    alpha = image[:, :, 3].astype(np.float32) / np.float32(255)
    small = _halved(alpha)
    luma, cb, cr = _yuv(image[:, :, :3].astype(np.float32), alpha)
    over = tuple(
        np.clip(p * a * 256 + 128, 0, 65280).astype(np.uint16)
        for p, a in ((luma, alpha), (cb, small), (cr, small))
    )
    under = tuple((256 - np.round(a * 256)).astype(np.uint16) for a in (alpha, small, small))
    return Overlay(x + left, y + top, right - left, bottom - top, over, under)  # type: ignore[arg-type]


class Scaler:
    """Scales and converts pictures. Keeps one converter a use, so that it is set up once a size."""

    def __init__(self) -> None:
        self._normal = VideoReformatter()
        self._scale = VideoReformatter()

    def normal(self, frame: av.VideoFrame) -> av.VideoFrame:
        """A decoded frame as yuv420p, BT.601, limited range; unchanged when it is so already."""
        full = int(frame.color_range) == _FULL_RANGE or frame.format.name.startswith("yuvj")
        hd = int(frame.colorspace) == _BT709
        if frame.format.name == "yuv420p" and not full and not hd:
            return frame
        return self._normal.reformat(
            frame,
            format="yuv420p",
            src_colorspace=Colorspace.ITU709 if hd else Colorspace.ITU601,
            dst_colorspace=Colorspace.ITU601,
            src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            dst_color_range=ColorRange.MPEG,
        )

    def scale(self, frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
        """A normal frame in another size."""
        if (frame.width, frame.height) == (width, height):
            return frame
        return self._scale.reformat(frame, width, height, "yuv420p", interpolation="BILINEAR")


def _part(x: int, y: int, width: int, height: int, chroma: bool) -> tuple[slice, slice]:
    if chroma:
        x, y, width, height = x // 2, y // 2, (width + 1) // 2, (height + 1) // 2
    return slice(y, y + height), slice(x, x + width)


def _used(alpha: Plane) -> tuple[int, int, int, int]:
    """The even rectangle that holds everything visible; two by two pixels when nothing is."""
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if not len(rows):
        return 0, 2, 0, 2
    return (
        int(rows[0]) // 2 * 2,
        (int(rows[-1]) + 2) // 2 * 2,
        int(columns[0]) // 2 * 2,
        (int(columns[-1]) + 2) // 2 * 2,
    )


def _halved(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    fours = plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]
    return (fours / 4).astype(np.float32)


def _yuv(rgb: NDArray[np.float32], alpha: NDArray[np.float32] | None = None) -> list[NDArray[np.float32]]:
    """BT.601 limited planes; the colour of half-transparent neighbours counts by their alpha."""
    r, g, b = rgb[:, :, 0], rgb[:, :, 1], rgb[:, :, 2]
    luma = 16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255
    chroma = [
        128 + (-37.797 * r - 74.203 * g + 112.0 * b) / 255,
        128 + (112.0 * r - 93.786 * g - 18.214 * b) / 255,
    ]
    if alpha is None:
        return [luma, *(_halved(plane) for plane in chroma)]
    weight = np.maximum(_halved(alpha), 1e-6)
    return [luma, *(_halved(plane * alpha) / weight for plane in chroma)]
