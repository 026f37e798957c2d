"""What playlists say, piece by piece; whole ones are checked in test_line.py."""

from hypothesis import given
from hypothesis import strategies as st

from broadcast.outputs.hls import playlist
from broadcast.outputs.hls.playlist import Growing, PartLine, Report, Rules, Segment, Variant
from tests.support.hls_rules import attributes, check

RULES = Rules(4, 8 / 30)
SEGMENT = Segment(7, 900_000, 180_000, 1_680_069_600_123, 56, 8, 1000, 0)


def parts(first: int, count: int) -> list[PartLine]:
    return [PartLine(first + n, (24_000, 21_000)[n % 2], n == 0) for n in range(count)]


@given(st.integers(1, 30), st.integers(0, 8), st.booleans(), st.booleans(), st.integers(0, 3))
def test_any_window_obeys_the_rules(
    count: int, growing: int, discontinuity: bool, missing: bool, reports: int
) -> None:
    """A window of any length with any of its features is a playlist as RFC 8216bis wants it."""
    text, before, wall, part = playlist.header(RULES, 3, 2, 0), None, 1_680_069_600_000, 100
    for n in range(count):
        listed = parts(part, 8) if n >= count - 5 else ()
        breaks, lost = discontinuity and n == count // 2, missing and n == count // 2
        segment = Segment(3 + n, 0, 180_000, wall, part, 8, 1, n // 20, breaks, lost)
        text += segment.lines(listed, before)
        before, wall, part = segment.init, wall + 2000, part + 8
    if growing:
        text += Growing(3 + count, wall, before or 0, False, parts(part, growing)).lines(before)
    text += playlist.footer(part + growing, [Report(f"../{n}/media.m3u8", 3, n) for n in range(reports)])
    found = check(text)
    assert len(found.over) == count
    assert found.hint == f"part-{part + growing}.m4s"
    assert len(found.reports) == reports
    assert sum(segment.gap for segment in found.segments) == missing


@given(st.lists(st.integers(1000, 360_000), max_size=60), st.integers(0, 400_000))
def test_only_what_is_old_is_skipped(durations: list[int], growing: int) -> None:
    """What is skipped ends before the boundary, and it is as much as may be skipped."""
    count = playlist.skippable(durations, growing, RULES)
    boundary = RULES.skip_until * 90_000
    kept = sum(durations[count:]) + growing
    assert count == 0 or kept >= boundary
    if count < len(durations):
        assert sum(durations[count + 1 :]) + growing < boundary


def test_lines_of_a_segment() -> None:
    """Date in UTC with milliseconds; the map only where it changes."""
    date = "#EXT-X-PROGRAM-DATE-TIME:2023-03-29T06:00:00.123Z\n"
    assert SEGMENT.lines((), 0) == date + "#EXTINF:2.00000,\nseg-7.m4s\n"
    assert SEGMENT.lines((), None).startswith('#EXT-X-MAP:URI="init-0.mp4"\n')


def test_the_multivariant_playlist() -> None:
    """Each rendition with what a player chooses by."""
    text = playlist.multivariant([Variant("a/b/media.m3u8", 3_000_000, 2_000_000, 1280, 720, 30, "avc1.x,y")])
    lines = text.splitlines()
    said = attributes(lines[3].partition(":")[2])
    assert lines[4] == "a/b/media.m3u8"
    assert said == {
        "BANDWIDTH": "3000000",
        "AVERAGE-BANDWIDTH": "2000000",
        "CODECS": "avc1.x,y",
        "RESOLUTION": "1280x720",
        "FRAME-RATE": "30.000",
    }
