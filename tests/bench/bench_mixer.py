"""What the mixer costs and how fast it is: `.venv/bin/python tests/bench/bench_mixer.py [seconds]`.

Two pre-encoded 720p30 speakers, every layout in turn; prints the CPU of the mixer's process (cores), how late
its ticks were, and the way of a frame from `Mixer.frame` to the programme.
"""

import asyncio
import importlib.util
import statistics
import sys
import time
from pathlib import Path

from broadcast.mixer.scene import Card, Layout, Scene, Source, Strip
from broadcast.mixer.settings import Look, ProgrammeSettings
from broadcast.mixer.supervisor import Mixer
from broadcast.rtp.frame import Frame, Kind

PLACE = Path(__file__).parent.parent / "broadcast/mixer/material.py"
STRIP = Strip(
    "陳雅琳 · Bruno Lanvin",
    "President · IMD's Smart City Observatory · Switzerland",
    "Reinventing Smart Cities",
)
CARD = Card("GO SMART General Assembly 2023", "The programme will begin soon", time.time() + 600)
A, B = Source("a", "Ľubomír Šťastný"), Source("b", "高橋花子")
SCENES = {
    "slate": Scene(Layout.SLATE, card=CARD),
    "full": Scene(Layout.FULL, (A,)),
    "full + strip": Scene(Layout.FULL, (A,), STRIP, CARD),
    "pip + strip": Scene(Layout.PIP, (A, B), STRIP, CARD),
    "side + strip": Scene(Layout.SIDE, (A, B), STRIP, CARD),
    "grid of 6": Scene(Layout.GRID, (A, B) * 3, STRIP, CARD),
}


async def main(seconds: float) -> None:
    spec = importlib.util.spec_from_file_location("material", PLACE)
    assert spec is not None
    assert spec.loader is not None
    material = importlib.util.module_from_spec(spec)
    sys.modules["material"] = material
    spec.loader.exec_module(material)
    sound = material.encode_sound(4)
    tracks = {
        "a": [material.encode_video(4), sound],
        "b": [material.encode_video(4, chroma=(90, 160), luma=150), sound],
    }
    settings = ProgrammeSettings(look=Look(event="GO SMART General Assembly 2023", place="Taipei"))
    mixer = Mixer(settings)
    out: list[tuple[float, Frame]] = []
    shown: dict[str, float] = {}
    mixer.on_frame = lambda frame: out.append((time.monotonic(), frame))
    mixer.on_shown = lambda token, at: shown.__setitem__(token, time.monotonic())
    began = time.monotonic()
    await mixer.start()
    while not out:  # noqa: ASYNC110 - it is the other process that changes it
        await asyncio.sleep(0.01)
    print(f"start to first frame {1000 * (time.monotonic() - began):.0f} ms")
    total = seconds * len(SCENES) + 6
    players = [
        asyncio.create_task(material.play(lambda f, to=feed: mixer.frame(to, f), t, total, length=4.0))
        for feed, t in tracks.items()
    ]
    await asyncio.sleep(2.5)
    for name, scene in SCENES.items():
        mixer.stage(["a", "b"] if name != "slate" else [])
        mixer.prepare(scene)  # as the cue does
        await asyncio.sleep(0.5)
        asked = time.monotonic()
        mixer.show(scene, name, "cut")
        await asyncio.sleep(1.0)
        cpu, first = process_cpu(mixer.stats()["pid"]), time.monotonic()
        frames, late = len(out), []
        for _ in range(int(seconds - 1)):
            await asyncio.sleep(1.0)
            late.append(mixer.stats()["late_ms"])
        span = time.monotonic() - first
        used = (process_cpu(mixer.stats()["pid"]) - cpu) / span
        video = [(at, f) for at, f in out[frames:] if f.kind is Kind.VIDEO]
        bits = sum(8 * len(f.data) for _, f in video) / span / 1000
        lag = statistics.median(1000 * (at - f.captured) for at, f in video)
        worst = sorted(1000 * (at - f.captured) for at, f in video)[int(len(video) * 0.99)]
        key = max((len(f.data) for _, f in video if f.keyframe), default=0)
        print(
            f"{name:14s} cpu {used:.3f}  fps {len(video) / span:.1f}  late {max(late):.1f} ms"
            f"  tick to out {lag:.1f}/{worst:.1f} ms  {bits:.0f} kbit/s"
            f"  keyframe {key // 1000} KB  shown after {1000 * (shown.get(name, asked) - asked):.0f} ms"
        )
    print(mixer.stats())
    for player in players:
        player.cancel()
    await asyncio.gather(*players, return_exceptions=True)
    await mixer.stop()


def process_cpu(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 6.0))
