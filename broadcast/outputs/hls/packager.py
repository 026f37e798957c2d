"""(P) The programme's frames in, parts and segments out.

A segment begins at the first keyframe of each `segment_ticks`, so renditions with the same clock cut alike;
a part ends with the picture that reaches the next multiple of `part_ticks` since its segment's start. All
pictures last one tick: a hole is filled with repeated pictures and silence, so no player ever freezes on it.
Beyond `FILL_SECONDS` the time is left out, and the next segment says that it is discontinuous.

Times are ticks of 90 kHz on the session's own line, which grows over restarts of the server: `base` plus the
programme's own clock.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import broadcast.rtp.aac as aac
from broadcast.errors import MalformedError
from broadcast.outputs.hls.cmaf import AUDIO_SCALE, VIDEO_SCALE, Sample, fragment
from broadcast.outputs.hls.still import Repeater
from broadcast.rtp.frame import Codec, Frame
from broadcast.rtp.h264 import DELIMITER, IDR, PPS, SLICE, SPS, nal_units, with_lengths

FILL_SECONDS = 2.0  # the longest hole that is filled; no segment becomes longer than two
SOUND_LATE = 1.0  # seconds that sound may be behind the picture; beyond, silence stands in for it
SOUND_KEPT = 256  # AAC packets that wait for their part, 5 s; beyond, the oldest go
LEAST_SHARE = 0.85  # of the longest part that each other one must have
BASE_STEP = 15  # ticks of which `base` is a multiple, so that it is whole in the sound's ticks, too


@dataclass(frozen=True, slots=True)
class Cut:
    """How long pieces are. `fps` pictures a second; the others in ticks."""

    fps: int
    part_ticks: int = VIDEO_SCALE // 4
    segment_ticks: int = 2 * VIDEO_SCALE

    @classmethod
    def of(cls, fps: int, part: float, segment: float) -> "Cut":
        """For these lengths in seconds. Where parts that differ by one picture would differ by more than the
        15 % that are allowed (RFC 8216bis, section 4.4.4.9), all have the longer length."""
        shorter, longer = int(part * fps), max(1, math.ceil(part * fps))
        seconds = part if shorter >= LEAST_SHARE * longer else longer / fps
        return cls(fps, round(seconds * VIDEO_SCALE), round(segment * VIDEO_SCALE))

    @property
    def part_target(self) -> float:
        """The longest part in seconds: pictures are not divided."""
        return -(-self.part_ticks * self.fps // VIDEO_SCALE) / self.fps

    def tick(self, timestamp: int) -> int:
        """The number of the picture with this timestamp."""
        return round(timestamp * self.fps / VIDEO_SCALE)

    def time(self, tick: int) -> int:
        """The timestamp of this picture."""
        return tick * VIDEO_SCALE // self.fps


@dataclass(frozen=True, slots=True)
class Part:
    """One part, whole. `msn` is its segment's number, `index` its place there, `number` counts all parts."""

    number: int
    msn: int
    index: int
    start: int
    duration: int
    independent: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """A segment begins."""

    msn: int
    start: int
    discontinuity: bool


@dataclass(frozen=True, slots=True)
class Header:
    """The parameter sets: a new init segment is due before the next segment."""

    sps: bytes
    pps: bytes


class Packager:
    """One rendition. What it makes goes to the three callbacks at once, in order."""

    def __init__(
        self, cut: Cut, *, base: int, msn: int, part: int, discontinuity: bool, on: "Listener"
    ) -> None:
        assert base % BASE_STEP == 0, "sound would be off by a fraction"
        self._cut = cut
        self._base = base
        self._on = on
        self._number = part
        self._msn = msn - 1
        self._index = 0
        self._period: int | None = None  # which multiple of segment_ticks the segment is in
        self._segment_start = self._part_start = 0  # in the programme's own ticks
        self._break = discontinuity
        self._next: int | None = None  # the number of the picture that comes next
        self._header: Header | None = None
        self._repeater: Repeater | None = None
        self._frame_number = 0
        self._pictures: list[Sample] = []
        self._sound: deque[bytes] = deque(maxlen=SOUND_KEPT)
        self._sound_next: int | None = None  # the number of the packet that comes next
        self.filled = self.silenced = self.stale = 0  # pictures and packets put in; frames that came too late

    def put(self, frame: Frame) -> None:
        """A frame of the programme, H264 or AAC. Others are ignored."""
        if frame.codec is Codec.H264:
            self._picture(frame)
        elif frame.codec is Codec.AAC:
            self._packet(frame.timestamp // aac.FRAME, frame.data)

    def flush(self) -> None:
        """Hand out what is there of the last part: no more frames will come."""
        if self._pictures:
            self._end_part()

    # -- pictures ------------------------------------------------------------------------------------

    def _picture(self, frame: Frame) -> None:
        tick = self._cut.tick(frame.timestamp)
        units = [unit for unit in nal_units(frame.data) if unit[0] & 0x1F != DELIMITER]
        if not units or (self._next is None and not frame.keyframe):
            return
        if self._next is not None and tick < self._next:
            self.stale += 1
            return
        if self._next is not None and tick - self._next > FILL_SECONDS * self._cut.fps:
            self._leave_out()
            if not frame.keyframe:
                return
        self._fill(tick)
        if frame.keyframe:
            self._keyframe(tick, units)
        self._add(tick, self._sample(units, tick, frame.keyframe))
        self._note_number(units)

    def _leave_out(self) -> None:
        """Too long a hole: it is not in the programme."""
        self.flush()
        self._next = self._period = self._sound_next = None
        self._sound.clear()
        self._break = True

    def _fill(self, tick: int) -> None:
        """Repeat the last picture up to this one."""
        while self._next is not None and self._next < tick and self._repeater is not None:
            self._frame_number += 1
            repeated = [self._repeater.picture(self._frame_number)]
            self._add(self._next, self._sample(repeated, self._next, False))
            self.filled += 1

    def _keyframe(self, tick: int, units: list[bytes]) -> None:
        sets = {unit[0] & 0x1F: unit for unit in units}
        sps, pps = sets.get(SPS), sets.get(PPS)
        header = Header(sps, pps) if sps and pps else self._header
        if header is None:
            return
        time = self._cut.time(tick)
        period = time // self._cut.segment_ticks
        if period == self._period and header == self._header:
            return
        self.flush()
        if header != self._header:
            self._break = self._break or self._header is not None
            self._header = header
            self._repeater = Repeater.of(header.sps, header.pps)
            self._on.header(header)
        self._msn += 1
        self._index = 0
        self._period = period
        self._segment_start = self._part_start = time
        self._on.opened(Opening(self._msn, self._base + time, self._break))
        self._break = False

    def _sample(self, units: list[bytes], tick: int, key: bool) -> Sample:
        # The parameter sets are in the init segment; in a sample of type avc1 they are not allowed.
        kept = [unit for unit in units if unit[0] & 0x1F not in (SPS, PPS)]
        return Sample(with_lengths(kept), self._cut.time(tick + 1) - self._cut.time(tick), key)

    def _add(self, tick: int, sample: Sample) -> None:
        if self._header is None:
            return
        if not self._pictures:
            self._part_start = self._cut.time(tick)
        self._pictures.append(sample)
        self._next = tick + 1
        since = self._cut.time(tick + 1) - self._segment_start
        if since // self._cut.part_ticks > (self._part_start - self._segment_start) // self._cut.part_ticks:
            self._end_part()

    def _note_number(self, units: list[bytes]) -> None:
        """Remember `frame_num`, which repeated pictures go on from."""
        slices = [unit for unit in units if unit[0] & 0x1F in (SLICE, IDR)]
        if self._repeater is None or not slices:
            return
        try:
            self._frame_number = self._repeater.number(slices[0])
        except MalformedError:
            self._repeater = None

    def _end_part(self) -> None:
        end = self._part_start + sum(picture.duration for picture in self._pictures)
        start, packets = self._take_sound(end)
        data = fragment(
            self._number, self._base + self._part_start, self._pictures, start + self._sound_base, packets
        )
        duration, independent = end - self._part_start, self._pictures[0].sync
        part = Part(
            self._number,
            self._msn,
            self._index,
            self._base + self._part_start,
            duration,
            independent,
            data,
        )
        self._pictures = []
        self._part_start = end
        self._number += 1
        self._index += 1
        self._on.part(part)

    # -- sound ---------------------------------------------------------------------------------------

    @property
    def _sound_base(self) -> int:
        return self._base * AUDIO_SCALE // VIDEO_SCALE

    def _packet(self, number: int, data: bytes) -> None:
        if self._next is None:
            return
        if self._sound_next is None:
            self._begin_sound()
        assert self._sound_next is not None, "it has just begun"
        # Beyond what is filled, the pictures have a hole as well: their next one begins anew.
        if not self._sound_next <= number < self._sound_next + FILL_SECONDS * AUDIO_SCALE / aac.FRAME:
            self.stale += 1
            return
        self._silence(number)
        self._sound_next = number + 1
        self._sound.append(data)

    def _begin_sound(self) -> None:
        """The first packet is the first that begins with or after the first picture."""
        first = -(-self._part_start * AUDIO_SCALE // VIDEO_SCALE // aac.FRAME)
        self._sound_next = first

    def _silence(self, until: int) -> None:
        while self._sound_next is not None and self._sound_next < until:
            self._sound.append(aac.SILENCE)
            self._sound_next += 1
            self.silenced += 1

    def _take_sound(self, end: int) -> tuple[int, list[bytes]]:
        """The packets that begin before `end`, and when the first of them does, in ticks of the sound."""
        if self._sound_next is None:
            self._begin_sound()
        limit = -(-end * AUDIO_SCALE // VIDEO_SCALE // aac.FRAME)  # the first that begins at `end` or later
        self._silence(limit - int(SOUND_LATE * AUDIO_SCALE / aac.FRAME))
        assert self._sound_next is not None, "it has begun"
        first = self._sound_next - len(self._sound)
        count = max(0, min(len(self._sound), limit - first))
        return first * aac.FRAME, [self._sound.popleft() for _ in range(count)]


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told of what a packager makes."""

    header: Callable[[Header], None]
    opened: Callable[[Opening], None]
    part: Callable[[Part], None]


def whole_base(ticks: int) -> int:
    """The next moment at or after `ticks` that may be a base."""
    return -(-ticks // BASE_STEP) * BASE_STEP
