"""(P) Playlists of LL-HLS (RFC 8216bis): what a media playlist and a multivariant playlist say.

Segments that are over keep their lines as text, so a playlist of hours is joined, not written anew.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from broadcast.outputs.hls.cmaf import VIDEO_SCALE

VERSION = 9  # EXT-X-SKIP needs it (section 8)
PART_AGE = 3  # target durations from the end within which parts are listed (section 6.2.2)
SKIP_AGE = 6  # ... beyond which segments may be skipped (section 4.4.3.8)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a media playlist promises, in seconds."""

    target: int  # no segment is longer
    part: float  # no part is longer

    @property
    def part_hold_back(self) -> float:
        """How far from the end players stay (section 4.4.3.8: three parts)."""
        return 3 * self.part

    @property
    def hold_back(self) -> int:
        return 3 * self.target

    @property
    def advance_parts(self) -> int:
        """How many parts ahead may be asked for: three seconds of them, and three (section 6.2.5.2)."""
        return max(3, math.ceil(3 / self.part))

    @property
    def skip_until(self) -> int:
        return SKIP_AGE * self.target


@dataclass(frozen=True, slots=True)
class PartLine:
    """One part in a playlist; `duration` in ticks of 90 kHz."""

    number: int
    duration: int
    independent: bool
    size: int = 0  # bytes

    def line(self) -> str:
        independent = ",INDEPENDENT=YES" if self.independent else ""
        return f'#EXT-X-PART:DURATION={_seconds(self.duration)},URI="part-{self.number}.m4s"{independent}'


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that is over.

    `start` and `duration` in ticks of the session, `wall` in Unix milliseconds, `first` and `parts` the
    numbers of its first part and how many it has, `init` the number of its init segment, `size` in bytes.
    `missing`: it could not be kept, players leave it out.
    """

    msn: int
    start: int
    duration: int
    wall: int
    first: int
    parts: int
    size: int
    init: int
    discontinuity: bool = False
    missing: bool = False

    def lines(self, listed: Sequence[PartLine] = (), map_before: int | None = None) -> str:
        """Its lines, each with its end. The map is said when it is not that of the segment before."""
        head = _heading(self, map_before)
        parts = "".join(f"{part.line()}\n" for part in listed)
        gap = "#EXT-X-GAP\n" if self.missing else ""
        return f"{head}{gap}{parts}#EXTINF:{_seconds(self.duration)},\nseg-{self.msn}.m4s\n"


@dataclass(frozen=True, slots=True)
class Growing:
    """The segment that is being made, with its parts so far."""

    msn: int
    wall: int
    init: int
    discontinuity: bool
    parts: Sequence[PartLine]

    def lines(self, map_before: int | None) -> str:
        return _heading(self, map_before) + "".join(f"{part.line()}\n" for part in self.parts)


@dataclass(frozen=True, slots=True)
class Report:
    """How far another rendition is (section 4.4.5.4)."""

    uri: str
    msn: int
    part: int

    def line(self) -> str:
        return f'#EXT-X-RENDITION-REPORT:URI="{self.uri}",LAST-MSN={self.msn},LAST-PART={self.part}'


@dataclass(frozen=True, slots=True)
class Variant:
    """One rendition in the multivariant playlist; rates in bit/s."""

    uri: str
    peak: int
    average: int
    width: int
    height: int
    fps: int
    codecs: str


def header(rules: Rules, msn: int, discontinuities: int, skipped: int) -> str:
    """The top of a media playlist that begins with segment `msn`, after so many discontinuities."""
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{rules.target}",
        f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={rules.part_hold_back:.5f},"
        f"HOLD-BACK={rules.hold_back},CAN-SKIP-UNTIL={rules.skip_until}",
        f"#EXT-X-PART-INF:PART-TARGET={rules.part:.5f}",
        f"#EXT-X-MEDIA-SEQUENCE:{msn}",
    ]
    if discontinuities:
        lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuities}")
    if skipped:
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
    return "\n".join(lines) + "\n"


def footer(hint: int, reports: Sequence[Report] = ()) -> str:
    """The end of a media playlist: the part that comes next, and the other renditions."""
    hinted = f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-{hint}.m4s"\n'
    return hinted + "".join(f"{report.line()}\n" for report in reports)


def skippable(durations: Sequence[int], growing: int, rules: Rules) -> int:
    """How many of the first segments a delta update may leave out: those that end more than CAN-SKIP-UNTIL
    before the end. `durations` in ticks, oldest first; `growing`: of the parts after them."""
    left, count = rules.skip_until * VIDEO_SCALE - growing, len(durations)
    while count and left > 0:
        count -= 1
        left -= durations[count]
    return count


def multivariant(variants: Sequence[Variant]) -> str:
    """The playlist that names all renditions, the best first."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for each in variants:
        lines += [
            f"#EXT-X-STREAM-INF:BANDWIDTH={each.peak},AVERAGE-BANDWIDTH={each.average},"
            f'CODECS="{each.codecs}",RESOLUTION={each.width}x{each.height},FRAME-RATE={each.fps:.3f}',
            each.uri,
        ]
    return "\n".join(lines) + "\n"


def target_duration(segment_ticks: int) -> int:
    """Two segments: one that an outage of the mixer has made longer still fits."""
    return math.ceil(2 * segment_ticks / VIDEO_SCALE)


def _heading(segment: "Segment | Growing", map_before: int | None) -> str:
    lines = []
    if segment.discontinuity:
        lines.append("#EXT-X-DISCONTINUITY")
    if segment.init != map_before:
        lines.append(f'#EXT-X-MAP:URI="init-{segment.init}.mp4"')
    lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date(segment.wall)}")
    return "\n".join(lines) + "\n"


def _date(wall: int) -> str:
    """Unix milliseconds as ISO 8601."""
    text = datetime.fromtimestamp(wall // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{wall % 1000:03d}Z"


def _seconds(ticks: int) -> str:
    return f"{ticks / VIDEO_SCALE:.5f}"
