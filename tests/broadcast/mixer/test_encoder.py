"""The programme's pictures as a player decodes them."""

import av
import numpy as np

from broadcast.mixer.encoder import VideoEncoder
from broadcast.mixer.settings import ProgrammeSettings


def picture(shift: int = 0) -> av.VideoFrame:
    """Soft waves and hard edges, as of a talk with its slides."""
    y, x = np.mgrid[:720, :1280]
    luma = 128 + 60 * np.sin((x + shift) / 90) * np.cos(y / 70) + 30 * ((x // 160 + y // 90) % 2)
    planes = np.full((1080, 1280), 128, np.uint8)
    planes[:720] = np.clip(luma, 16, 235)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def decoded(packets: list[bytes], *, smooth: bool) -> list[np.ndarray]:
    """The pictures, with or without the filter that smooths the edges of blocks."""
    context = av.CodecContext.create("h264", "r")
    context.options = {"skip_loop_filter": "none" if smooth else "all"}
    return [frame.to_ndarray() for data in packets for frame in context.decode(av.Packet(data))]


def smoothed(settings: ProgrammeSettings) -> float:
    """The share of a keyframe's samples that the filter changes."""
    keyframe, is_idr = VideoEncoder(settings).encode(picture(), 0, True)
    assert is_idr
    found, plain = (decoded([keyframe, keyframe], smooth=smooth)[0] for smooth in (True, False))
    return float((found != plain).mean())


def test_at_the_usual_quality_hardly_an_edge_is_smoothed() -> None:
    """A player has next to nothing to filter in a keyframe, which was half of its work (decision 20); where
    the quality is far below, it still has."""
    assert smoothed(ProgrammeSettings()) < 0.08
    assert smoothed(ProgrammeSettings(crf=40)) > 0.2
