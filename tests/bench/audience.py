"""The part `fanout` of `make bench`: what one more viewer costs, beside the floor and Janus, in one run.

It runs in a network namespace of its own (made and removed here), because Janus never offers a loopback
address; without the right to make one, or without Janus, ours and the floor are measured on the loopback.
`python -m tests.bench.audience HOST OUTPUT [--quick]` is what runs inside it.
"""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import uvloop

from broadcast.client.crowd import room
from broadcast.transport import compiled, seal
from tests.bench import contenders
from tests.bench.contenders import Place, Reading
from tests.bench.curves import chart
from tests.bench.figures import Figure, table

ADDRESS = "10.201.0.1"
BEST = "event_loops = 1"
COMPILED, PLAIN = contenders.OURS["compiled"], contenders.OURS["plain"]
ONE_CORE = "Pavilion, one core"
SIZES, QUICK_SIZES = (10, 50, 200, 500), (50, 200)
TIMES, QUICK_TIMES = (4.0, 15.0), (3.0, 6.0)  # seconds: until it is steady, and measured
CROWD = 1500
AT = 200  # viewers, where the bars are
ROUNDS = 3  # there, of which the median counts

Run = Callable[[int, float, float], Awaitable[Reading]]  # viewers, seconds until it is steady, and measured


def run(cache: Path, output: Path, quick: bool) -> tuple[list[Figure], list[Reading]]:
    """All of it. `cache` keeps the recording, `output` (a folder) gets the curves."""
    recording = programme(cache)
    with tempfile.TemporaryDirectory(prefix="pavilion-fanout-") as folder, namespace() as (host, enter):
        result = Path(folder) / "readings.json"
        command = [*enter, sys.executable, "-m", "tests.bench.audience", host, str(recording), str(result)]
        subprocess.run([*command, *(["--quick"] if quick else [])], check=True)
        readings = [Reading(**each) for each in json.loads(result.read_text())]
    output.mkdir(parents=True, exist_ok=True)
    for name, up, what in (
        ("cpu", "us of CPU for a delivered packet", "cpu"),
        ("memory", "KB of memory for a viewer", "memory"),
        ("sound", "ms that sound is late, 99th percentile", "sound_99"),
    ):
        lines: dict[str, list[tuple[float, float]]] = {}
        for each in readings:
            if each.viewers <= max(SIZES) and getattr(each, what) is not None:
                lines.setdefault(each.name, []).append((each.viewers, getattr(each, what)))
        path = output / f"fanout-{name}.svg"
        path.write_text(chart("720p30 at 2.5 Mbit/s with Opus", "viewers", up, lines), encoding="utf-8")
    return figures(readings), readings


def figures(readings: list[Reading]) -> list[Figure]:
    """The bars of issue 4, from the readings of one run."""
    found = {(each.name, each.viewers): each for each in readings}
    floor = next((name for name in contenders.FLOORS.values() if (name, AT) in found), "")
    own_name = COMPILED if any(each.name == COMPILED for each in readings) else PLAIN

    def cost(name: str, viewers: int = AT) -> float | None:
        reading = found.get((name, viewers))
        return reading.cpu if reading and reading.joined == viewers else None

    def share(name: str, times: float) -> float | None:
        own, other = cost(own_name), cost(name)
        return None if own is None or other is None else times * own / other

    small, large = cost(own_name, 50), cost(own_name, max(SIZES))
    slope = None if small is None or large is None else large / small
    bars = [
        Figure(f"CPU a delivered packet, {AT} viewers", cost(own_name), "us", 2.0, note=own_name),
        Figure("... of Janus at its best", share(f"Janus, {BEST}", 100), "%", 20),
        Figure("... times the floor in C", share(floor, 1), "", 2, note=floor),
        Figure("... at 500 viewers, times that at 50", slope, "", 1.1),
    ]
    if own := found.get((own_name, AT)):
        bars.append(Figure(f"memory a viewer, {AT} viewers", own.memory, "KB", 120))
        bars.append(Figure(f"viewers a core, by {AT}", own.per_core, "", note="2.5 Mbit/s and Opus"))
    if own_name == COMPILED and (plain := cost(PLAIN)):
        bars.append(Figure(f"CPU a delivered packet, {AT} viewers, without the core", plain, "us"))
    if crowd := found.get((ONE_CORE, CROWD)):
        note = f"{crowd.joined} joined, {crowd.busy:.2f} cores, {crowd.cpu:.2f} us a packet"
        bars += [
            Figure(f"{CROWD} viewers on one core: packets lost to it", crowd.lost, "a million", 0, note=note),
            Figure("... sound late, 99th percentile", crowd.sound_99, "ms", 10),
        ]
    return bars


def lines(readings: list[Reading]) -> str:
    """The readings as a table."""
    head = ("contender", "viewers", "in", "us/packet", "user", "cores", "viewers/core", "KB/viewer", "lost/M")
    rows = [(*head, "sound late", "gap")]
    for each in readings:
        late = "-" if each.sound_99 is None else f"{each.sound_99:.1f} ms"
        numbers = (f"{each.cpu:.2f}", f"{each.user:.2f}", f"{each.busy:.2f}", f"{each.per_core:.0f}")
        rest = (f"{each.memory:.0f}", f"{each.lost:.0f}", late, f"{each.gap:.0f} ms")
        rows.append((each.name, str(each.viewers), str(each.joined), *numbers, *rest))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows
    )


def programme(cache: Path) -> Path:
    """Eight seconds as the mixer would send them: 720p30 at 2.5 Mbit/s, a keyframe each 2 s, Opus at 96."""
    path = cache / "programme-1.mkv"
    if path.exists():
        return path
    cache.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(1)
    ground = chance.integers(0, 255, (90, 160, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    part = path.with_suffix(".part")
    with av.open(str(part), "w", format="matroska") as box:
        video = box.add_stream("libx264", rate=30)
        video.width, video.height, video.pix_fmt, video.bit_rate = 1280, 720, "yuv420p", 2_500_000
        video.codec_context.thread_count = 1
        video.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "x264-params": "keyint=60:scenecut=0:repeat-headers=1:sliced-threads=0"
            ":vbv-maxrate=2500:vbv-bufsize=1250",
        }
        audio = box.add_stream("libopus", rate=48000, layout="mono")
        audio.bit_rate = 96000
        for number in range(240):
            picture = np.roll(ground, (number * 3, number * 5), (0, 1)).copy()
            picture[200:500, 300:900] = chance.integers(0, 60, (300, 600, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            box.mux(video.encode(frame))
        box.mux(video.encode(None))
        for start in range(0, 8 * 48000, 960):
            noise = (0.2 * chance.standard_normal((1, 960))).astype(np.float32)
            sound = av.AudioFrame.from_ndarray(noise, format="flt", layout="mono")
            sound.pts, sound.sample_rate, sound.time_base = start, 48000, Fraction(1, 48000)
            box.mux(audio.encode(sound))
        box.mux(audio.encode(None))
    part.replace(path)
    return path


@contextlib.contextmanager
def namespace() -> Iterator[tuple[str, list[str]]]:
    """A network namespace with one address that is not a loopback one: that address, and the command that
    runs another inside. Without the right to make one: the loopback here."""
    name = f"pavilion-bench-{os.getpid()}"
    steps = (
        f"netns add {name}",
        f"-n {name} link set lo up",
        f"-n {name} link add inside type veth peer name outside",
        f"-n {name} addr add {ADDRESS}/24 dev inside",
        f"-n {name} link set inside up",
        f"-n {name} link set outside up",
    )
    made = shutil.which("ip") is not None and all(
        subprocess.run(["ip", *step.split()], capture_output=True, check=False).returncode == 0
        for step in steps
    )
    try:
        yield (ADDRESS, ["ip", "netns", "exec", name]) if made else ("127.0.0.1", [])
    finally:
        if shutil.which("ip"):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


async def inside(place: Place, quick: bool) -> list[Reading]:
    """Every contender at every size, one after the other; where the bars are, ROUNDS times in turns."""
    room(5000)
    warm, seconds = QUICK_TIMES if quick else TIMES
    runs = _contenders(place)
    readings: list[Reading] = []
    for viewers in QUICK_SIZES if quick else SIZES:
        found: dict[str, list[Reading]] = {}
        for _ in range(ROUNDS if viewers == AT else 1):
            for run in runs:
                reading = await run(viewers, warm, seconds)
                found.setdefault(reading.name, []).append(reading)
                print(lines([reading]).splitlines()[1], flush=True)
        readings += map(middle, found.values())
    if not quick:
        one = Place(place.folder, place.recording, place.host, core=(os.cpu_count() or 1) - 1)
        core = "plain" if compiled.library() is None else "compiled"
        crowd = await contenders.ours(one, CROWD, 10, seconds, core)
        readings.append(replace(crowd, name=ONE_CORE))
        print(lines(readings[-1:]).splitlines()[1], flush=True)
    return readings


def middle(rounds: list[Reading]) -> Reading:
    """Of one contender's rounds that with the median cost, since one alone may meet a moment when the machine
    is slower or faster for everybody; but the fewest that joined and the most that was lost."""
    median = sorted(rounds, key=lambda each: each.cpu)[len(rounds) // 2]
    joined, lost = min(each.joined for each in rounds), max(each.lost for each in rounds)
    return replace(median, joined=joined, lost=lost)


def _contenders(place: Place) -> list[Run]:
    """What there can be on this machine; says what cannot."""
    missing = contenders.compile_floor(place.folder)
    if missing:
        print(f"... no floor: {missing}", flush=True)
    rivals = shutil.which("janus") and shutil.which("ffmpeg") and not place.host.startswith("127.")
    if not rivals:
        print("... no Janus: it needs the packages janus and ffmpeg, and the right to make a namespace")
    obstacle = compiled.build()
    if obstacle:
        print(f"... only pure Python: {obstacle}", flush=True)
    floors = () if missing else ("sealed", "libsrtp") if seal.available() else ("libsrtp",)
    return [
        *(partial(contenders.floor, place, cipher=each) for each in floors),
        *(partial(contenders.ours, place, core=each) for each in (() if obstacle else ("compiled",))),
        partial(contenders.ours, place, core="plain"),
        *(partial(contenders.janus, place, general=each) for each in ((BEST, "") if rivals else ())),
    ]


def main() -> None:
    host, recording, result = sys.argv[1:4]
    with tempfile.TemporaryDirectory(prefix="pavilion-fanout-") as folder:
        place = Place(Path(folder), Path(recording), host)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            readings = runner.run(inside(place, "--quick" in sys.argv))
    Path(result).write_text(json.dumps([asdict(each) for each in readings]))
    print(f"\n{lines(readings)}\n\n{table(figures(readings))}")


if __name__ == "__main__":
    main()
