"""The part `restream`: Debian's nginx-rtmp and an SRT listener get the programme through twenty hand-offs,
beside targets that hang, refuse and die; and what of that the programme's viewers notice."""

import asyncio
import contextlib
import shutil
import socket
import struct
import subprocess
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from broadcast.client.whep import WhepViewer
from demo.server import free_port
from tests.bench.figures import Figure, percentile
from tests.bench.hall import Hall, Viewer
from tests.support.nginx_rtmp import missing, nginx_rtmp
from tests.support.targets import Listener, Seen

HAND_OFFS, ALONE = 20, 10  # beside targets, and without; both even
DIES, BACK = 7, 11  # the hand-offs at which one of the targets dies, and is there again
KEY = "bench"
WITHIN = 60.0  # seconds for a target to be live
OPUS = 111


async def restream(hall: Hall, viewer: Viewer) -> list[Figure]:
    """Hand-offs without targets, then with them."""
    if missing():
        return [Figure("restream", None, note="say: apt-get install nginx-light libnginx-mod-rtmp")]
    watching = WhepViewer(f"{hall.server.url}/whep")
    hall.stack.push_async_callback(watching.close)
    await watching.watch()
    folder = hall.folder / "targets"
    folder.mkdir()
    names = list(hall.speakers)[:2]
    if hall.producer.air != names[0]:
        await hall.cue(names[0])
        await hall.take(names[0])
    alone = await _gaps(hall, watching, names, ALONE, {})
    async with _targets(folder) as (urls, mortal, kept):
        for name, url in urls.items():
            await hall.producer.command("target", do="add", target=name, name=name, url=url, key=KEY, on=True)
        for name in ("nginx", "srt", "mortal"):
            await hall.producer.until(lambda now, name=name: _line(now, name)["state"] == "live", WITHIN)
        beside = await _gaps(hall, watching, names, HAND_OFFS, {DIES: mortal.kill, BACK: mortal.begin})
        await hall.producer.until(lambda now: _line(now, "mortal")["state"] == "live", WITHIN)
        lines = {name: _line(hall.producer, name) for name in urls}
        for name in urls:
            await hall.producer.command("target", do="stop", target=name)
        await hall.producer.until(lambda now: not now.health.get("restream"), WITHIN)
        await asyncio.to_thread(kept["srt"].ended)
    figures = [
        *await asyncio.to_thread(_received, "nginx-rtmp", folder / "nginx" / "kept" / f"{KEY}.flv"),
        *await asyncio.to_thread(_received, "SRT", kept["srt"].path),
    ]
    states = ", ".join(f"{name} {line['state']} ({line['reconnects']})" for name, line in lines.items())
    calm, busy = percentile(alone, 0.99), percentile(beside, 0.99)
    note = f"{calm:.0f} without, longest {max(alone):.0f}; {busy:.0f} beside them, longest {max(beside):.0f}"
    return [
        *figures,
        Figure("the target that died is back", lines["mortal"]["reconnects"], "", 1, True, note=states),
        Figure(
            "viewers beside targets: gap between frames, 99 %, more than without",
            busy - calm,
            "ms",
            10,
            note=note,
        ),
    ]


class _Mortal:
    """An RTMP server that can die and come back."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder = url, folder
        self._lives: list[Listener] = []
        self.begin()

    def begin(self) -> None:
        self._lives.append(Listener(self._url, self._folder / f"mortal-{len(self._lives)}.flv"))

    def kill(self) -> None:
        self._lives[-1].kill()


@contextlib.asynccontextmanager
async def _targets(folder: Path) -> AsyncIterator[tuple[dict[str, str], _Mortal, dict[str, Listener]]]:
    """Five of them: their addresses, the one that can die, and the one that keeps what comes by SRT."""
    port, refusing, dying = free_port(), free_port(), free_port()
    srt = f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
    listener = Listener(f"{srt}?mode=listener", folder / "srt.ts")
    mortal = _Mortal(f"rtmp://127.0.0.1:{dying}/live/{KEY}", folder)
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # it accepts, and never reads
        try:
            async with nginx_rtmp(folder / "nginx", port):
                urls = {
                    "nginx": f"rtmp://127.0.0.1:{port}/live",
                    "srt": srt,
                    "mortal": f"rtmp://127.0.0.1:{dying}/live",
                    "deaf": f"rtmp://127.0.0.1:{deaf.getsockname()[1]}/live",
                    "refusing": f"rtmp://127.0.0.1:{refusing}/live",
                }
                yield urls, mortal, {"srt": listener}
        finally:
            mortal.kill()
            listener.kill()


async def _gaps(
    hall: Hall, watching: WhepViewer, names: list[str], hand_offs: int, acts: dict[int, Any]
) -> list[float]:
    """ms between the programme's frames as they arrive at a viewer, over the hand-offs."""
    arrivals: dict[int, float] = {}

    def note(packet: bytes, arrival: float) -> None:
        if packet[1] & 127 != OPUS:
            arrivals.setdefault(struct.unpack_from("!I", packet, 4)[0], arrival)

    watching.on_packet = note
    for number in range(1, hand_offs + 1):
        if number in acts:
            acts[number]()
        await hall.producer.command("cue", talk=names[number % 2], force=True)
        await asyncio.sleep(1.2 + 0.013 * number)
        await hall.take(names[number % 2])
        await asyncio.sleep(0.5)
    watching.on_packet = lambda packet, arrival: None
    return [(after - before) * 1000 for before, after in pairwise(sorted(arrivals.values()))]


def _received(name: str, path: Path) -> list[Figure]:
    """What a target got: whole in time, and decodable from the first picture to the last."""
    seen = Seen(path)
    picture, sound = seen.longest_step()
    program = shutil.which("ffmpeg")
    assert program is not None, "the listeners are ffmpeg, too"
    command = [program, "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = seen.pictures[-1] - seen.pictures[0]
    faults = len(done.stderr.splitlines()) + (done.returncode != 0)
    return [
        Figure(f"{name}: errors in decoding", faults, "", 0, note=f"{seconds:.0f} s, {HAND_OFFS} hand-offs"),
        Figure(f"{name}: longest step between pictures", picture * 1000, "ms", 50),
        Figure(f"{name}: longest step between sounds", sound * 1000, "ms", 50),
    ]


def _line(control: Any, name: str) -> dict[str, Any]:
    lines = (control.health or {}).get("restream", [])
    return next((each for each in lines if each["id"] == name), {"state": "off", "reconnects": 0})
