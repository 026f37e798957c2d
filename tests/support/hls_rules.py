"""RFC 8216bis as a checker: reads a media playlist, and says which rule it breaks.

Sections are those of draft-pantos-hls-rfc8216bis.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

SLACK = 1e-4  # seconds: durations are written with five decimals


@dataclass
class Part:
    """EXT-X-PART."""

    uri: str
    duration: float
    independent: bool


@dataclass
class Segment:
    """One media segment, or at the end of the list the parts of the one that is being made."""

    parts: list[Part] = field(default_factory=list)
    duration: float | None = None
    uri: str = ""
    map: str = ""
    date: datetime | None = None
    discontinuity: bool = False
    gap: bool = False


@dataclass
class Playlist:
    """A media playlist, taken apart."""

    tags: dict[str, str]
    segments: list[Segment]
    skipped: int
    hint: str
    reports: list[dict[str, str]]

    @property
    def first(self) -> int:
        return int(self.tags["EXT-X-MEDIA-SEQUENCE"])

    @property
    def over(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.uri]


def attributes(text: str) -> dict[str, str]:
    """An attribute list (section 4.2)."""
    found = re.findall(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)', text)
    return {name: value.strip('"') for name, value in found}


def read(text: str) -> Playlist:
    """Take a playlist apart. Fails with the line that is not allowed where it stands."""
    lines = text.split("\n")
    assert lines[0] == "#EXTM3U", "section 4.4.1.1"
    assert lines[-1] == "", "the last line is ended"
    tags: dict[str, str] = {}
    segments: list[Segment] = []
    skipped, hint, now, shown = 0, "", Segment(), ""
    reports = []
    for line in lines[1:-1]:
        name, _, value = line.removeprefix("#").partition(":")
        if name in ("EXT-X-VERSION", "EXT-X-TARGETDURATION", "EXT-X-SERVER-CONTROL", "EXT-X-PART-INF"):
            assert name not in tags, line
            tags[name] = value
        elif name in ("EXT-X-MEDIA-SEQUENCE", "EXT-X-DISCONTINUITY-SEQUENCE"):
            assert name not in tags, line
            assert not segments, f"{line}: before the first segment (section 4.4.3)"
            tags[name] = value
        elif name == "EXT-X-SKIP":
            assert not segments, line
            skipped = int(attributes(value)["SKIPPED-SEGMENTS"])
            assert skipped > 0, line
        elif name == "EXT-X-MAP":
            shown = attributes(value)["URI"]
        elif name == "EXT-X-DISCONTINUITY":
            now.discontinuity = True
        elif name == "EXT-X-GAP":
            now.gap = True
        elif name == "EXT-X-PROGRAM-DATE-TIME":
            now.date = datetime.fromisoformat(value)
        elif name == "EXT-X-PART":
            said = attributes(value)
            independent = said.get("INDEPENDENT") == "YES"
            now.parts.append(Part(said["URI"], float(said["DURATION"]), independent))
        elif name == "EXTINF":
            now.duration = float(value.removesuffix(","))
        elif name == "EXT-X-PRELOAD-HINT":
            assert not hint, "one hint of each type (section 4.4.5.3)"
            hint = attributes(value)["URI"]
        elif name == "EXT-X-RENDITION-REPORT":
            reports.append(attributes(value))
        else:
            assert line, "an empty line"
            assert not line.startswith("#"), f"unknown tag {line}"
            assert now.duration is not None, f"{line}: without EXTINF"
            now.uri, now.map = line, shown
            segments.append(now)
            now = Segment()
    if now.parts:
        now.map = shown
        segments.append(now)
    return Playlist(tags, segments, skipped, hint, reports)


def check(text: str) -> Playlist:
    """Every rule that one playlist alone can break."""
    playlist = read(text)
    tags = playlist.tags
    assert int(tags["EXT-X-VERSION"]) >= 9, "EXT-X-SKIP (section 8)"
    target = int(tags["EXT-X-TARGETDURATION"])
    longest = float(attributes(tags["EXT-X-PART-INF"])["PART-TARGET"])
    control = attributes(tags["EXT-X-SERVER-CONTROL"])
    assert control["CAN-BLOCK-RELOAD"] == "YES"
    assert float(control["PART-HOLD-BACK"]) >= 3 * longest - SLACK, "section 4.4.3.8: at least three parts"
    assert float(control["HOLD-BACK"]) >= 3 * target, "section 4.4.3.8"
    assert float(control["CAN-SKIP-UNTIL"]) >= 6 * target, "section 4.4.3.8"
    for segment in playlist.segments:
        _check_segment(segment, target, longest)
    _check_dates(playlist)
    _check_age(playlist, target)
    if not playlist.skipped:
        assert all(segment.map for segment in playlist.segments), "section 4.4.4.5: every fMP4 has its map"
    assert playlist.hint, "a server that blocks hints"
    names = [segment.uri for segment in playlist.over]
    parts = [part.uri for segment in playlist.segments for part in segment.parts]
    assert len({*names, *parts, playlist.hint}) == len(names) + len(parts) + 1, "no name twice"
    return playlist


def _check_segment(segment: Segment, target: int, longest: float) -> None:
    last = segment.parts[-1:] if segment.uri else []
    for part in segment.parts:
        assert part.duration <= longest + SLACK, f"{part.uri}: longer than PART-TARGET (section 4.4.4.9)"
        if part not in last:
            assert part.duration >= 0.85 * longest - SLACK, f"{part.uri}: too short (section 4.4.4.9)"
    if segment.uri:
        assert segment.duration is not None
        assert round(segment.duration) <= target, f"{segment.uri}: longer than the target (4.4.3.1)"
        if segment.parts:
            whole = sum(part.duration for part in segment.parts)
            assert abs(whole - segment.duration) < len(segment.parts) * SLACK, f"{segment.uri}: {whole}"
    assert segment.date is not None, "every segment has its date here"


def _check_dates(playlist: Playlist) -> None:
    for before, after in zip(playlist.over, playlist.segments[1:], strict=False):
        assert before.date, before.uri
        assert after.date, after.uri
        elapsed = (after.date - before.date).total_seconds()
        if after.discontinuity:
            continue
        assert abs(elapsed - (before.duration or 0)) < 0.0021, f"{after.uri}: {elapsed} s after {before.uri}"


def _check_age(playlist: Playlist, target: int) -> None:
    """Parts are listed near the end only, but there always (section 6.2.2)."""
    left = 0.0
    for segment in reversed(playlist.segments):
        assert not segment.parts or left <= 3 * target, f"{segment.uri}: parts as old as {left} s"
        left += segment.duration or sum(part.duration for part in segment.parts)


def check_step(before: Playlist, after: Playlist) -> None:
    """What may change from one full playlist to a later one (section 6.2.1 and 6.2.2)."""
    assert after.first >= before.first, "the media sequence number never goes back"
    for place, segment in enumerate(before.over):
        at = before.first + place - after.first
        if at >= 0:
            same = after.segments[at]
            assert (segment.uri, segment.duration, segment.date) == (same.uri, same.duration, same.date)
    gone = before.over[: after.first - before.first]
    breaks = int(before.tags.get("EXT-X-DISCONTINUITY-SEQUENCE", 0)) + sum(s.discontinuity for s in gone)
    assert int(after.tags.get("EXT-X-DISCONTINUITY-SEQUENCE", 0)) == breaks, "section 6.2.2"
    parts = [part.uri for segment in after.segments for part in segment.parts]
    known = [part.uri for segment in before.segments for part in segment.parts]
    new = [uri for uri in parts if uri not in known]
    assert not new or not known or new[0] == before.hint, "the hint was the next part (section 6.2.2)"


def check_delta(full: Playlist, delta: Playlist) -> None:
    """A delta update says what the full playlist of the same moment says, less what it skips (6.2.5.1)."""
    assert delta.first == full.first
    assert delta.hint == full.hint
    kept = full.segments[delta.skipped :]
    assert [s.uri for s in delta.segments] == [s.uri for s in kept]
    assert [s.parts for s in delta.segments] == [s.parts for s in kept]
    limit = float(attributes(full.tags["EXT-X-SERVER-CONTROL"])["CAN-SKIP-UNTIL"])
    left = sum(s.duration or sum(p.duration for p in s.parts) for s in kept)
    assert not delta.skipped or left >= limit - SLACK, "section 4.4.5.2: only what is older than the boundary"
