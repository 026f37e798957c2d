"""(P) One feed's frames -> Matroska files, as orders to whoever holds the file.

A file begins with a keyframe and goes on through new sizes and parameters, which H264 and VP8 carry in their
keyframes; another codec begins another file. Where there is no picture for `WAIT`, a file of sound alone
begins. Each order to append is a whole cluster of about a second, so a file cut off behind any of them plays.
"""

from dataclasses import dataclass

from broadcast.errors import MalformedError
from broadcast.outputs.recording.matroska import AUDIO, VIDEO, Block, Picture, cluster
from broadcast.rtp.frame import Codec, Frame, Kind
from broadcast.rtp.h264 import PPS, SPS, configuration, nal_units, with_lengths
from broadcast.rtp.h264 import picture_size as h264_size
from broadcast.rtp.vp8 import picture_size as vp8_size

CLUSTER = 1000  # milliseconds
APART = 30_000  # milliseconds that the times of one cluster may be apart
WAIT = 2.0  # seconds for the first picture
WAITING = 200  # frames of sound kept in that time; the oldest go


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin a file; its time zero is `captured` on the monotonic clock."""

    captured: float
    picture: Picture | None
    sound: bool


@dataclass(frozen=True, slots=True)
class Append:
    """A whole cluster, which begins at `at` milliseconds of the file; `track`: one may begin to play here."""

    at: int
    track: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Finish:
    """The file is over, after so many milliseconds."""

    milliseconds: int


Order = Begin | Append | Finish


class Reel:
    """`add` each frame, `flush` when none came for a second, `end` at last; do what they return, in order.

    `pictures`, `sound`: whether the feed is to have them.
    """

    def __init__(self, pictures: bool, sound: bool) -> None:
        self._pictures = pictures
        self._sound = sound
        self._picture: Picture | None = None
        self._zero: float | None = None  # of the open file
        self._since: float | None = None
        self._waiting: list[Frame] = []
        self._blocks: list[Block] = []
        self._newest = {VIDEO: -1, AUDIO: -1}

    def add(self, frame: Frame) -> list[Order]:
        """One more frame, in the order of its kind."""
        if self._since is None:
            self._since = frame.captured
        if frame.kind is Kind.VIDEO:
            return self._video(frame)
        if self._zero is not None:
            return self._block(frame) if self._sound else []
        self._waiting = [*self._waiting[-WAITING + 1 :], frame]
        if self._pictures and frame.captured - self._since < WAIT:
            return []
        return [*self._begin(self._waiting[0].captured, None), *self._release()]

    def flush(self) -> list[Order]:
        """What waits for its cluster to be full, as one that is not."""
        if not self._blocks:
            return []
        blocks, self._blocks = self._blocks, []
        first = min(block.at for block in blocks)
        key = next((block for block in blocks if block.keyframe), None)
        mine = key is not None and (key.track == VIDEO or self._picture is None)
        return [Append(first, key.track if key is not None and mine else None, cluster(blocks))]

    def end(self) -> list[Order]:
        """There are no more frames, or none that can be kept: the next begin a new file."""
        orders = self.flush()
        if self._zero is not None:
            orders.append(Finish(max(self._newest.values())))
        self._zero = self._picture = self._since = None
        self._waiting = []
        self._newest = {VIDEO: -1, AUDIO: -1}
        return orders

    def _video(self, frame: Frame) -> list[Order]:
        orders: list[Order] = []
        if self._picture is None or self._picture.codec is not frame.codec:
            picture = picture_of(frame)
            if picture is None:
                return []
            waiting, self._waiting = self._waiting, []
            orders = self.end()
            # Sound that came before its picture: what was captured earlier has no place in the file.
            self._waiting = [sound for sound in waiting if sound.captured >= frame.captured]
            orders += [*self._begin(frame.captured, picture), *self._release()]
        if frame.keyframe:
            orders += self.flush()
        return orders + self._block(frame)

    def _begin(self, captured: float, picture: Picture | None) -> list[Order]:
        self._zero, self._picture = captured, picture
        return [Begin(captured, picture, self._sound)]

    def _release(self) -> list[Order]:
        waiting, self._waiting = self._waiting, []
        return [order for frame in waiting for order in self._block(frame)]

    def _block(self, frame: Frame) -> list[Order]:
        assert self._zero is not None, "a file is open"
        track = VIDEO if frame.kind is Kind.VIDEO else AUDIO
        at = round((frame.captured - self._zero) * 1000)
        if at < 0:
            return []
        at = max(at, self._newest[track] + 1)  # no two frames of a track at one time, and none before another
        self._newest[track] = at
        apart = at - self._blocks[0].at if self._blocks else 0
        orders = self.flush() if apart >= CLUSTER or apart <= -APART else []
        data = with_lengths(nal_units(frame.data)) if frame.codec is Codec.H264 else frame.data
        self._blocks.append(Block(track, at, data, frame.keyframe))
        return orders


def picture_of(frame: Frame) -> Picture | None:
    """The track that begins with this frame; None: nothing can begin with it."""
    if not frame.keyframe:
        return None
    try:
        if frame.codec is Codec.VP8:
            return Picture(frame.codec, *vp8_size(frame.data))
        units = {unit[0] & 0x1F: unit for unit in reversed(nal_units(frame.data))}
        if SPS not in units or PPS not in units:
            return None
        size = h264_size(units[SPS])
    except MalformedError:
        return None
    return Picture(frame.codec, *size, configuration(units[SPS], units[PPS]))
