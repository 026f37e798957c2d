"""The recorder: files by name and time, a queue that overflows by rule, a killed process, a full disk."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broadcast.outputs.recording.recorder import Recorder
from broadcast.rtp.frame import Codec, Frame
from tests.broadcast.outputs.recording.frames import feed, probe

ROOT = Path(__file__).parents[4]
WALL = 1_680_069_600.5  # 2023-03-29T06:00:00Z and a half


def recorder(folder: Path, most: int = 8 << 20) -> Recorder:
    return Recorder(folder, most, wall=lambda: WALL + time.monotonic())


def until(done: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_feed_is_a_file_named_by_person_and_time(tmp_path: Path) -> None:
    """Two feeds at once, each in its file, both whole."""
    writer = recorder(tmp_path)
    writer.start()
    inlets = [writer.open(stem, stem, True, True, lambda: None) for stem in ("ada", "grace")]
    for frame in feed(Codec.H264):
        for inlet in inlets:
            inlet.put(frame)
    for inlet in inlets:
        inlet.close()
    writer.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "ada-20230329T060000Z.mkv",
        "grace-20230329T060000Z.mkv",
    ]
    for path in tmp_path.iterdir():
        assert len(probe(path)["video"]) == 60
    assert writer.stats()["frames_dropped"] == 0


def test_a_slow_disk_costs_frames_up_to_the_next_keyframe(tmp_path: Path) -> None:
    """What waits is bounded; after the gap the file goes on with a keyframe, which was asked for."""
    asked: list[None] = []
    writer = recorder(tmp_path, most=2000)
    inlet = writer.open("ada", "Ada", True, False, lambda: asked.append(None))
    frames = list(feed(Codec.H264, seconds=4, sound=False))
    for frame in frames[:45]:  # nobody takes them out yet
        inlet.put(frame)
    assert 0 < writer.stats()["frames_dropped"] < 45
    assert writer.stats()["waiting"] < 45
    dropped = writer.stats()["frames_dropped"]
    writer.start()
    until(lambda: writer.stats()["waiting"] == 0)
    for frame in frames[45:]:
        inlet.put(frame)
        until(lambda: writer.stats()["waiting"] == 0)
    inlet.close()
    writer.close()
    (path,) = tmp_path.iterdir()
    assert writer.stats()["frames_dropped"] == dropped + 15  # up to the keyframe at two seconds
    assert len(probe(path)["video"]) == 120 - dropped - 15
    assert asked


def test_a_killed_process_loses_a_second_and_the_file_plays(tmp_path: Path) -> None:
    """kill -9 in the middle: all but what was being gathered is there, without repair."""
    code = f"""
import time
from pathlib import Path
from broadcast.outputs.recording.recorder import Recorder
from broadcast.rtp.frame import Codec
from tests.broadcast.outputs.recording.frames import feed
writer = Recorder(Path({str(tmp_path)!r}), 8 << 20)
writer.start()
inlet = writer.open("ada", "Ada", True, True, lambda: None)
for frame in feed(Codec.H264, seconds=4):
    inlet.put(frame)
while writer.stats()["waiting"]:
    time.sleep(0.01)
print("there", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        process.kill()
    (path,) = tmp_path.iterdir()
    found = probe(path)
    assert found["video"][-1] > 2.9
    assert found["audio"][-1] > 2.9


def test_a_full_disk_leaves_whole_files_and_it_goes_on_with_room(small: Path) -> None:
    """The disk fills up under two files: both play, the recorder lives, and resumes when there is room."""
    ballast = small / "ballast"
    ballast.write_bytes(bytes(2_900_000))
    writer = recorder(small / "speakers")
    writer.start()
    inlet = writer.open("ada", "Ada", True, True, lambda: None)
    frames = endless()
    while not writer.refused:
        for _ in range(40):
            inlet.put(next(frames))
        until(lambda: writer.stats()["waiting"] == 0)
    writer.hold(writer.take_refusal())
    before = writer.written
    for _ in range(200):
        inlet.put(next(frames))
    assert writer.written == before
    (first,) = (small / "speakers").glob("*.mkv")
    assert probe(first)["video"]
    ballast.unlink()
    writer.hold(False)
    for _ in range(400):
        inlet.put(next(frames))
    until(lambda: writer.stats()["waiting"] == 0)
    inlet.close()
    writer.close()
    found = sorted((small / "speakers").glob("*.mkv"))
    assert len(found) == 2
    assert probe(found[1])["video"]


def endless() -> Iterator[Frame]:
    """A feed that does not end, two seconds again and again."""
    start = 0.0
    while True:
        yield from feed(Codec.H264, 640, 480, start=start)
        start += 2.0
