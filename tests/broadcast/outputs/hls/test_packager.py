"""Cutting: whatever is lost on the way, what players get has no hole."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.outputs.hls import cmaf
from broadcast.outputs.hls.packager import FILL_SECONDS, Cut, Header, Listener, Opening, Packager, Part
from broadcast.rtp import h264
from broadcast.rtp.frame import Codec, Frame
from tests.support.hls_material import decoded, pictures, programme

SEGMENT = 180_000


class Taken:
    """What a packager has made, as the pieces of files."""

    def __init__(self, base: int = 0, discontinuity: bool = False, cut: Cut | None = None) -> None:
        self.headers: list[Header] = []
        self.openings: list[Opening] = []
        self.parts: list[Part] = []
        self.packager = Packager(
            cut or Cut(30),
            base=base,
            msn=5,
            part=40,
            discontinuity=discontinuity,
            on=Listener(self.headers.append, self.openings.append, self.parts.append),
        )

    def feed(self, frames: list[Frame]) -> "Taken":
        for frame in frames:
            self.packager.put(frame)
        return self

    def file(self) -> bytes:
        """Everything as one MP4."""
        init = cmaf.init_segment(self.headers[-1].sps, self.headers[-1].pps)
        return init + b"".join(part.data for part in self.parts)


def key(tick: int) -> Frame:
    first = pictures(2)[0]
    return replace(first, timestamp=tick * 3000)


def other(tick: int) -> Frame:
    return replace(pictures(2)[1], timestamp=tick * 3000)


def test_parts_and_segments() -> None:
    """Four seconds are two segments of eight parts, each independent at its start, in one unbroken line."""
    taken = Taken(base=900_000).feed(list(programme(4.1)))
    assert [opening.msn for opening in taken.openings] == [5, 6, 7]
    assert [opening.start for opening in taken.openings] == [900_000 + n * SEGMENT for n in range(3)]
    assert [part.number for part in taken.parts] == list(range(40, 40 + len(taken.parts)))
    assert [part.duration // 3000 for part in taken.parts[:16]] == [8, 7] * 8
    assert [part.independent for part in taken.parts[:16]] == [n % 8 == 0 for n in range(16)]
    times, greys, samples = decoded(taken.file())
    assert times == pytest.approx([10 + n / 30 for n in range(len(times))], abs=1e-4)
    assert samples == pytest.approx(len(times) * 1600, abs=8000)
    assert len(set(greys)) > 15


def test_a_forced_keyframe_cuts_nothing() -> None:
    """A keyframe for somebody who joins makes no new segment; one that begins a part makes it independent."""
    taken = Taken().feed(list(programme(2.2, extra_keys=(20, 30))))
    assert [opening.msn for opening in taken.openings] == [5, 6]
    assert [part.independent for part in taken.parts[:8]] == [n in (0, 4) for n in range(8)]


def test_nothing_before_the_first_keyframe() -> None:
    """Pictures that need others before them are left out, and sound that has no picture."""
    taken = Taken().feed([frame for frame in programme(3) if frame.timestamp > 3000])
    assert taken.openings[0].start == SEGMENT
    assert taken.parts[0].independent


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 50)), min_size=1, max_size=6))
def test_holes_are_filled(runs: list[tuple[int, int]]) -> None:
    """After each outage of the mixer the line goes on without a hole, and no part or segment is too long."""
    frames, tick = [], 0
    for length, hole in runs:
        for n in range(length):
            regular = tick % 60 == 0
            frames.append(key(tick) if n == 0 or regular else other(tick))
            tick += 1
        tick += hole
    taken = Taken().feed(frames)
    taken.packager.flush()
    end = taken.parts[0].start
    for part in taken.parts:
        assert part.start == end
        assert part.duration <= 24_000
        end += part.duration
    assert end == (frames[-1].timestamp + 3000)
    assert not any(opening.discontinuity for opening in taken.openings)
    starts = [opening.start for opening in taken.openings] + [end]
    assert all(b - a <= 2 * SEGMENT for a, b in pairwise(starts))
    total = sum(len(list(_samples(part.data))) for part in taken.parts)
    assert total * 3000 == end


def _samples(data: bytes) -> list[int]:
    """The durations in a part, one a picture."""
    return [each.duration // 3000 for each in cmaf.fragments(data) for _ in range(each.duration // 3000)]


def test_a_long_hole_is_left_out() -> None:
    """What is longer than is filled begins a segment that says so; its sound begins with its picture."""
    gap = int(FILL_SECONDS * 30) + 5
    frames = [key(0), other(1), key(2 + gap), other(3 + gap)]
    taken = Taken().feed(frames)
    taken.packager.flush()
    assert [opening.discontinuity for opening in taken.openings] == [False, True]
    assert taken.openings[1].start == (2 + gap) * 3000
    assert [part.duration for part in taken.parts] == [6000, 6000]


def test_other_sizes_begin_anew() -> None:
    """Other parameter sets in mid-programme: a new init segment and a discontinuity."""
    taken = Taken().feed(list(pictures(3)))
    sets = h264.nal_units(pictures(1)[0].data)
    pps = [bytes([*sets[1][:-1], sets[1][-1] ^ 0x40])]
    changed = h264.annex_b([sets[0], *pps, sets[2]])
    taken.feed([Frame(Codec.H264, changed, 9000, 0.0, True)])
    taken.packager.flush()
    assert len(taken.headers) == 2
    assert [opening.discontinuity for opening in taken.openings] == [False, True]


def test_lost_sound_is_silence() -> None:
    """Packets that are missing are silence of the same length, and what comes after is where it belongs."""
    lost = range(41, 90)
    frames = [f for f in programme(3.0) if f.codec is Codec.H264 or f.timestamp // 1024 not in lost]
    taken = Taken().feed(frames)
    taken.packager.flush()
    _, _, samples = decoded(taken.file())
    assert taken.packager.silenced == 49
    assert samples == pytest.approx(3 * 48000, abs=6000)


def test_no_sound_at_all() -> None:
    """A programme without sound is pictures with silence a second behind."""
    taken = Taken().feed(list(pictures(120)))
    _, _, samples = decoded(taken.file())
    assert samples == pytest.approx(2.9 * 48000, abs=9000)


def test_late_and_foreign_frames_are_left_out() -> None:
    """What is older than the line, or of another codec, changes nothing."""
    taken = Taken().feed([*pictures(20), pictures(20)[3], Frame(Codec.OPUS, b"x", 0, 0.0)])
    assert taken.packager.stale == 1
    assert sum(part.duration for part in taken.parts) == 15 * 3000


@pytest.mark.parametrize("fps", [10, 15, 24, 25, 30, 50, 60])
@pytest.mark.parametrize("part", [100, 250, 333, 1000])
def test_parts_at_every_rate(fps: int, part: int) -> None:
    """Parts are never longer than the target, and at least 85 % of it unless they end a segment."""
    cut = Cut.of(fps, part / 1000, 2.0)
    taken = Taken(cut=cut)
    for tick in range(4 * fps):
        at = tick * 90000 // fps
        taken.packager.put(replace(key(0) if tick % (2 * fps) == 0 else other(0), timestamp=at))
    target = cut.part_target * 90000
    for piece in taken.parts:
        assert piece.duration <= target + 1
    lasts = {piece.msn: piece.number for piece in taken.parts}
    for piece in taken.parts:
        if piece.number != lasts[piece.msn]:
            assert piece.duration >= 0.85 * target - 1
