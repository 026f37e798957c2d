"""Downloads: segments become one MP4 that plays, with chapters and names, in step, whatever is missing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.outputs.recording.cutting import Chapter, Job, Piece, cut, job_of, place, stretches
from broadcast.outputs.recording.export import export
from tests.broadcast.outputs.recording.programme import segments

WALL = 1_680_069_600.0
ADA = Chapter("Häuser für alle", ("Ada Lovelace",), WALL + 3.5, WALL + 7.0)
GRACE = Chapter("Ships", ("Grace Hopper",), WALL + 7.0, WALL + 9.0)
NAMES = {"title": "Häuser für alle", "artist": "Ada Lovelace", "album": "GO SMART", "date": "2023-03-29"}


@pytest.fixture(scope="module")
def programme(tmp_path_factory: pytest.TempPathFactory) -> list[Piece]:
    """Ten seconds."""
    return segments(tmp_path_factory.mktemp("programme") / "main", 10, WALL)


def asked(path: Path) -> dict[str, Any]:
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-show_chapters", "-of", "json", path],
        capture_output=True,
        check=True,
    )
    assert not said.stderr, said.stderr
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def flashes_and_beeps(path: Path) -> tuple[list[float], list[float]]:
    """When each flash and each beep begins."""
    flashes, beeps = [], []
    light = loud = False
    with av.open(str(path)) as container:
        for packet in container.demux(audio=0, video=0):
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    is_light = np.frombuffer(frame.planes[0], np.uint8).mean() > 150
                    flashes += [float(frame.time)] if is_light and not light else []
                    light = is_light
                elif isinstance(frame, av.AudioFrame):
                    is_loud = float(np.abs(frame.to_ndarray()).max()) > 0.1
                    beeps += [float(frame.time)] if is_loud and not loud else []
                    loud = is_loud
    return flashes, beeps


def made(job: Job | None, target: Path) -> Path:
    assert job is not None
    export(job, target)
    return target


def test_a_talk_is_cut_at_the_keyframe_before_it(programme: list[Piece], tmp_path: Path) -> None:
    """From 3.5 s to 7 s with a keyframe each second: four seconds, in step, with names and chapter."""
    path = made(cut(programme, ADA.start, ADA.end, [ADA, GRACE], NAMES), tmp_path / "talk.mp4")
    told = asked(path)
    assert float(told["format"]["duration"]) == pytest.approx(4.0, abs=0.06)
    assert {key: told["format"]["tags"][key] for key in NAMES} == NAMES
    (chapter,) = told["chapters"]
    assert chapter["tags"]["title"] == "Ada Lovelace: Häuser für alle"
    assert float(chapter["start_time"]) == 0
    flashes, beeps = flashes_and_beeps(path)
    assert flashes == pytest.approx([0, 1, 2, 3], abs=0.05)
    assert beeps == pytest.approx(flashes, abs=0.05)


def test_the_whole_has_every_talk_as_a_chapter(programme: list[Piece], tmp_path: Path) -> None:
    """Chapters stand where the talks begin, and the first picture can be decoded."""
    path = made(cut(programme, WALL, WALL + 10, [ADA, GRACE], {"title": "GO SMART"}), tmp_path / "whole.mp4")
    told = asked(path)
    assert float(told["format"]["duration"]) == pytest.approx(10.0, abs=0.06)
    assert [chapter["tags"]["title"] for chapter in told["chapters"]] == [
        "GO SMART",
        "Ada Lovelace: Häuser für alle",
        "Grace Hopper: Ships",
    ]
    starts = [float(chapter["start_time"]) for chapter in told["chapters"]]
    assert starts == pytest.approx([0, 3.5, 7.0], abs=0.05)
    assert len(flashes_and_beeps(path)[0]) == 10


def test_what_is_missing_is_left_out(programme: list[Piece], tmp_path: Path) -> None:
    """A restart with a new line of time, and a lost segment: it plays through, in step, chapters in place."""
    later = segments(tmp_path / "later", 4, WALL + 60)
    pieces = [*programme[:2], *programme[3:4], *later]  # 0-4 s, 6-8 s, and 60-64 s
    after = Chapter("After", (), WALL + 61, WALL + 64)
    path = made(cut(pieces, WALL, WALL + 70, [GRACE, after], {}), tmp_path / "holes.mp4")
    told = asked(path)
    assert float(told["format"]["duration"]) == pytest.approx(10.0, abs=0.1)
    starts = [float(chapter["start_time"]) for chapter in told["chapters"]]
    assert starts == pytest.approx([0, 5.0, 7.0], abs=0.1)
    flashes, beeps = flashes_and_beeps(path)
    assert len(flashes) == 10
    assert beeps == pytest.approx(flashes, abs=0.06)


def test_nothing_there_is_no_job(programme: list[Piece]) -> None:
    """A talk of which no segment was kept has no download."""
    assert cut(programme, WALL + 100, WALL + 200, [], {}) is None


def test_the_process_makes_the_file_whole_or_not_at_all(programme: list[Piece], tmp_path: Path) -> None:
    """Run as the server does; a job that cannot be leaves nothing behind."""
    job = cut(programme, WALL, WALL + 4, [], {})
    assert job is not None
    assert job_of(json.loads(json.dumps(job.as_json()))) == job
    for pieces, status in ((job.as_json(), 0), ({**job.as_json(), "pieces": []}, 1)):
        target = tmp_path / f"{status}.mp4"
        code = "import sys; from broadcast.outputs.recording.export import main; main(sys.argv[1])"
        done = subprocess.run(
            [sys.executable, "-c", code, target], input=json.dumps(pieces).encode(), capture_output=True
        )
        assert done.returncode == status, done.stderr
        assert target.exists() == (status == 0)
    assert [path.name for path in tmp_path.iterdir()] == ["0.mp4"]


@given(
    st.lists(st.tuples(st.floats(0.5, 4), st.floats(0, 5)), min_size=1, max_size=30),
    st.floats(0, 200),
    st.floats(0, 200),
)
def test_places_never_go_back(rows: list[tuple[float, float]], first: float, second: float) -> None:
    """A later moment is never before an earlier one, and nothing is outside of the file."""
    pieces, wall, start = [], 0.0, 0.0
    for seconds, gap in rows:
        wall, start = wall + gap, start + gap
        pieces.append(Piece("m", "i", start, seconds, wall))
        wall, start = wall + seconds, start + seconds
    whole = sum(piece.seconds for piece in pieces)
    early, late = sorted((first, second))
    assert 0 <= place(pieces, early) <= place(pieces, late) <= whole + 1e-6
    assert sum(len(row) for _, row in stretches(pieces)) == len(pieces)
