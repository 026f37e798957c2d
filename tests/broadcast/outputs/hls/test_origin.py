"""The origin: what all renditions of a programme have in common."""

import itertools
from datetime import timedelta
from pathlib import Path

import pytest

from broadcast.errors import NotFound
from broadcast.outputs.hls.origin import MAIN, Origin, OriginSettings
from tests.support.hls_material import programme
from tests.support.hls_rules import Playlist, check

SMALL = "360p"
BOOT = 1_680_000_000.0  # Unix seconds at which the monotonic clock was 0


async def playlist(origin: Origin, rendition: str) -> Playlist:
    return check((await origin.rendition(origin.session.id, rendition).media()).plain.decode())


@pytest.mark.parametrize("step", [60.0, -3600.0])
async def test_a_clock_that_is_set(tmp_path: Path, no_tasks: None, step: float) -> None:
    """A step of the wall clock, or a sleep of the machine, moves the dates of all renditions from one and the
    same segment on, behind a discontinuity."""
    boot = [BOOT]
    origin = Origin(OriginSettings(tmp_path, "show", video_kbps={MAIN: 2500, SMALL: 400}), lambda: boot[0])
    await origin.start()
    for frame in programme(7):
        origin.put(frame)
        if frame.timestamp == 2 * 60 * 3000:
            boot[0] += step  # between two renditions of one picture
        origin.put(frame, SMALL)
    playlists = [await playlist(origin, name) for name in (MAIN, SMALL)]
    for each in playlists:
        dates = [segment.date for segment in each.segments if segment.date]
        steps = [after - before for before, after in itertools.pairwise(dates)]
        told = [segment.discontinuity for segment in each.segments]
        assert told == [False, False, False, True], "the third segment had begun"
        assert steps == [timedelta(seconds=2)] * 2 + [timedelta(seconds=2 + step)]
    assert playlists[0].segments[0].date == playlists[1].segments[0].date
    await origin.stop()


async def test_thumbnails_are_of_this_session(tmp_path: Path, no_tasks: None) -> None:
    """Where a thumbnail lies is told for the session on the air alone."""
    origin = Origin(OriginSettings(tmp_path, "show"))
    await origin.start()
    assert origin.thumb(origin.session.id, 1_680_069_600).name == "1680069600.jpg"
    with pytest.raises(NotFound):
        origin.thumb("another", 1_680_069_600)
    await origin.stop()
