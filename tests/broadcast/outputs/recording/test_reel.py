"""Reels: one feed's frames become Matroska files that FFmpeg plays, closed or cut off, whatever changes."""

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.outputs.recording import matroska
from broadcast.outputs.recording.reel import Append, Begin, Finish, Order, Reel
from broadcast.rtp.frame import Codec, Frame
from tests.broadcast.outputs.recording.frames import feed, probe


def written(orders: list[Order], closed: bool = True) -> list[bytes]:
    """The files that these orders make."""
    files: list[bytearray] = []
    head = matroska.Head(b"", 0, 0, 0, 0)
    cues = b""
    for order in orders:
        match order:
            case Begin(_, picture, sound):
                head, cues = matroska.head("Ada Lovelace", 1_680_069_600.0, picture, sound), b""
                files.append(bytearray(head.data))
            case Append(at, track, data):
                if track is not None:
                    cues += matroska.cue(at, track, len(files[-1]) - head.body_at)
                files[-1] += data
            case Finish(milliseconds) if closed:
                place = len(files[-1])
                files[-1] += matroska.cues(cues)
                for at, patch in matroska.closing(head, len(files[-1]), milliseconds, place):
                    files[-1][at : at + len(patch)] = patch
    return [bytes(data) for data in files]


def run(reel: Reel, *parts: object) -> list[Order]:
    orders = [order for part in parts for frame in part for order in reel.add(frame)]  # type: ignore[attr-defined]
    return orders + reel.end()


@pytest.mark.parametrize("codec", [Codec.H264, Codec.VP8])
def test_a_closed_file_has_all_frames_title_length_and_index(codec: Codec, tmp_path: Path) -> None:
    """Every picture and sound of two seconds is there, and ffprobe reads length, title and date."""
    path = tmp_path / "one.mkv"
    (data,) = written(run(Reel(True, True), feed(codec)))
    path.write_bytes(data)
    found = probe(path)
    assert len(found["video"]) == 60
    assert len(found["audio"]) == 100
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", path],
        capture_output=True,
        check=True,
    )
    assert not said.stderr
    told = json.loads(said.stdout)
    assert float(told["format"]["duration"]) == pytest.approx(2.0, abs=0.05)
    assert told["format"]["tags"]["title"] == "Ada Lovelace"
    assert told["format"]["tags"]["creation_time"].startswith("2023-03-29T06:00:00")
    assert {stream["codec_name"] for stream in told["streams"]} == {codec.value, "opus"}


@pytest.mark.parametrize("codec", [Codec.H264, Codec.VP8])
def test_a_file_cut_off_behind_any_cluster_plays(codec: Codec, tmp_path: Path) -> None:
    """What is there after a killed process plays without repair."""
    orders = [order for order in run(Reel(True, True), feed(codec)) if not isinstance(order, Finish)]
    for length in range(2, len(orders) + 1):
        (data,) = written(orders[:length])
        path = tmp_path / f"{length}.mkv"
        path.write_bytes(data)
        assert probe(path)["video"]


def test_a_new_size_goes_on_in_the_same_file(tmp_path: Path) -> None:
    """Browsers change the size as the line allows: the file has both sizes."""
    (data,) = written(run(Reel(True, True), feed(Codec.H264), feed(Codec.H264, 640, 480, start=2.0)))
    path = tmp_path / "sizes.mkv"
    path.write_bytes(data)
    found = probe(path)
    assert len(found["video"]) == 120
    assert set(found["widths"]) == {320, 640}


def test_another_codec_begins_another_file(tmp_path: Path) -> None:
    """Each file has one codec for its pictures."""
    files = written(run(Reel(True, True), feed(Codec.H264), feed(Codec.VP8, start=2.0)))
    assert len(files) == 2
    for number, data in enumerate(files):
        path = tmp_path / f"{number}.mkv"
        path.write_bytes(data)
        assert len(probe(path)["video"]) == 60


def test_sound_alone_is_a_file_and_a_late_picture_begins_another(tmp_path: Path) -> None:
    """A camera that is switched on after four seconds costs no sound."""
    late = feed(Codec.H264, start=4.0)
    files = written(run(Reel(True, True), feed(None, seconds=4), late))
    assert len(files) == 2
    path = tmp_path / "sound.mkv"
    path.write_bytes(files[0])
    assert len(probe(path)["audio"]) == 200


def test_nothing_begins_without_a_keyframe() -> None:
    """Pictures that nobody could decode are left out."""
    frames = [frame for frame in feed(Codec.H264, sound=False) if not frame.keyframe]
    assert run(Reel(True, False), frames) == []


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=60))
def test_times_that_jump_make_no_broken_file(times: list[tuple[float, bool]]) -> None:
    """Whatever the clocks say, each cluster's times fit their 16 bits and grow in each track."""
    key = next(feed(Codec.VP8, sound=False))
    reel = Reel(True, True)
    orders = list(reel.add(key))
    for at, picture in times:
        data = Frame(Codec.VP8, key.data, 0, at, True) if picture else Frame(Codec.OPUS, b"\xfc", 0, at)
        orders += reel.add(data)
    orders += reel.end()
    assert sum(isinstance(order, Begin) for order in orders) == 1
    assert isinstance(orders[-1], Finish)
