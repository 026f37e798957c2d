"""Hours of slate leave a real disk; talks, and what nobody can know of, stay."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from broadcast.config import parse
from broadcast.nights import Nights
from broadcast.outputs.hls.cmaf import VIDEO_SCALE
from broadcast.outputs.hls.playlist import Segment
from broadcast.outputs.hls.store import Reel, current_session

BEGUN = 1_700_000_000.0
HOUR = 3600
LENGTH = 600  # seconds of each segment


@dataclass
class Told:
    """What a desk says, and is told; and an origin that has nothing on the air."""

    since: float = BEGUN
    said: list[str] = field(default_factory=list)

    def chapters(self) -> dict[str, Any]:
        """A talk in the fourth hour, and its recording in the tenth."""
        spans = (("thony", 3, 4), ("again-c0-0-thony", 9, 10))
        return {
            "chapters": [
                {"talk": talk, "start": (BEGUN + start * HOUR) * 1000, "end": (BEGUN + end * HOUR) * 1000}
                for talk, start, end in spans
            ]
        }

    def erasing(self, name: str, octets: int) -> None:
        self.said.append(name)

    def trim(self, session: str, rendition: str, gone: set[int]) -> bool:
        return False


def nights(data: Path, told: Told) -> Nights:
    event = {"id": "now", "name": "Now", "start": datetime.fromtimestamp(BEGUN, UTC)}
    table = {"event": event, "recording": {"slate_hours": 1}, "hls": {"window_minutes": 110}}
    return Nights(parse(table), data, told, told)  # type: ignore[arg-type]


def twelve_hours(data: Path) -> Reel:
    """A session of the event on disk, in segments of ten minutes."""
    reel = current_session(data, "now", 0.0, BEGUN).reel("main")
    reel.load()
    for msn in range(12 * HOUR // LENGTH):
        start = msn * LENGTH
        begun = Segment(msn, start * VIDEO_SCALE, 0, round((BEGUN + start) * 1000), msn, 0, 0, 0, False)
        reel.begin(begun, b"init")
        reel.append(msn, b"12345678")
        assert reel.end(replace(begun, duration=LENGTH * VIDEO_SCALE, parts=1, size=8))
    return reel


async def test_a_night_goes(tmp_path: Path) -> None:
    """The talk stays with what is around it, the newest two hours, too; the rest goes, and is journalled."""
    reel = twelve_hours(tmp_path)
    told = Told()
    await nights(tmp_path, told).look(BEGUN + 12 * HOUR)
    left = [each.msn for each in reel.segments()]
    assert left == [*range(16, 26), *range(60, 72)]
    assert sorted(path.name for path in reel.folder.glob("seg-*")) == sorted(f"seg-{n}.m4s" for n in left)
    assert len(told.said) == 1


async def test_what_the_journal_does_not_know_stays(tmp_path: Path) -> None:
    """A journal that began anew says nothing of the hours before: there may have been talks."""
    reel = twelve_hours(tmp_path)
    await nights(tmp_path, Told(since=BEGUN + 8 * HOUR)).look(BEGUN + 12 * HOUR)
    assert [each.msn for each in reel.segments()] == [*range(48), *range(60, 72)]
