"""`make bench` (python -m tests.bench): measures the promises, prints them, writes build/bench.json.

The exit status is 0 when every figure is within its bar, 1 when one is not.
"""

import argparse
import asyncio
import json
import os
import struct
import sys
import tempfile
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

from broadcast.errors import PavilionError
from demo.control import Refused
from tests.bench import (
    audience,
    blocked,
    handoffs,
    hostile,
    joining,
    lines,
    live,
    measures,
    restream,
    rewind,
    soak,
    takeover,
)
from tests.bench.figures import Figure, as_json, table
from tests.bench.hall import ROOT, Hall
from tests.bench.listening import babble, tone, voiced
from tests.support.media import coded_recording, flash_recording

STEPS = {
    "slate": measures.slate,
    "smooth": measures.smooth,
    "cuts": measures.cuts,
    "joins": measures.joins,
    "hand-offs": handoffs.hand_offs,
    "lipsync": measures.lipsync,
    "mix-minus": handoffs.mix_minus,
    "loudness": handoffs.loudness,
    "dead-feed": handoffs.dead_feed,
    "kill": measures.kill,
    "hls": live.hls,
    "restream": restream.restream,
    "restart": handoffs.restart,
}
BOTH = ("thony", "lanvin")
SPEAKERS = {
    **dict.fromkeys((*STEPS, "hls-long"), BOTH),
    "slate": (),
    "restart": (),
    "lipsync": ("vermast", "slovakia"),
    "loudness": ("india", "taiwan"),
}
LONG = ("soak", "hls-long")
COLOURS = {"thony": (40, 90, 120), "lanvin": (120, 60, 40), "vermast": (40, 80, 50), "slovakia": (80, 50, 90)}
SECONDS = 8.0  # of each recording


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parts = ("fanout", "hostile", "joining", "lines", "workers", "rewind", "blocked", *STEPS)
    parser.add_argument(
        "--only", action="append", choices=(*parts, *LONG), default=[], help="may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="fanout to rewind: shorter")
    parser.add_argument(
        "--minutes", type=float, default=60.0, help=f"of {', '.join(LONG)}: only run when named"
    )
    parser.add_argument("--output", default="build/bench.json")
    parser.add_argument(
        "--nice", type=int, default=0, help="priority of all that is measured: -15 on a busy machine"
    )
    options = parser.parse_args()
    os.nice(options.nice)
    begun, load = time.time(), os.getloadavg()[0]
    chosen, output = options.only or list(parts), Path(options.output)
    figures, readings = [], []
    if "fanout" in chosen:
        _say("fanout: the floor, ours and Janus at several sizes")
        figures, readings = audience.run(ROOT / "build" / "tests", output.parent, options.quick)
    if "hostile" in chosen:
        _say("hostile")
        figures += hostile.run(ROOT / "build" / "tests", options.quick)
    if "joining" in chosen:
        _say("joining")
        figures += joining.run(options.quick)
        figures += lines.joins(options.quick)
    if "lines" in chosen:
        _say("lines")
        figures += lines.run(options.quick)
    if "workers" in chosen:
        _say("workers")
        figures += takeover.run(options.quick)
    if "rewind" in chosen:
        _say("rewind: an event of hours, made at speed")
        figures += rewind.run(options.quick)
    if "blocked" in chosen:
        _say("blocked: UDP is swallowed, and the server killed")
        figures += blocked.run()
    if set(chosen) & {*STEPS, "hls-long"}:
        figures += asyncio.run(_measure(chosen, options.nice, options.minutes))
    if "soak" in chosen:
        _say(f"soak: {options.minutes:g} minutes")
        with tempfile.TemporaryDirectory(prefix="pavilion-soak-") as folder:
            figures += asyncio.run(soak.soak(Path(folder), options.minutes, output.parent, _tell))
    print(f"\n{table(figures)}\n")
    if readings:
        print(f"{audience.lines(readings)}\nCurves: {output.parent}/fanout-*.svg\n")
    print(f"Machine: {os.cpu_count()} cores; load average before {load:.1f}, after {os.getloadavg()[0]:.1f}.")
    if options.nice:
        print(f"All that is measured ran with nice {options.nice}, because others use this machine as well.")
    print("Speakers here are pre-encoded media published by our own WHIP client: browsers that encode would")
    print("use up the cores by themselves. They and the viewer, a Chromium, run as punctually as the server,")
    print("where this user may have that: on air they have machines of their own.")
    output.parent.mkdir(parents=True, exist_ok=True)
    machine = {"cores": os.cpu_count(), "load_before": load, "load_after": os.getloadavg()[0]}
    report = {"at": begun, "seconds": time.time() - begun, "machine": machine, "figures": as_json(figures)}
    report["fanout"] = [asdict(each) for each in readings]
    output.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    misses = [figure.name for figure in figures if figure.verdict == "MISS"]
    print(f"{len(misses)} of {len(figures)} miss their bar" + "".join(f"\n  {name}" for name in misses))
    return 1 if misses else 0


async def _measure(parts: list[str], nice: int, minutes: float) -> list[Figure]:
    cache = ROOT / "build" / "tests"
    cache.mkdir(parents=True, exist_ok=True)
    _say("preparing media")
    coded = [
        await asyncio.to_thread(coded_recording, cache, n, COLOURS[who], hertz, SECONDS)
        for n, (who, hertz) in enumerate((("thony", 440.0), ("lanvin", 660.0)))
    ]
    recordings = {
        # Steady tones, so that silence and clicks are seen.
        "thony": voiced(coded[0], tone(440.0, -26.0, SECONDS)),
        "lanvin": voiced(coded[1], tone(660.0, -26.0, SECONDS)),
        "india": voiced(coded[0], babble(-34.0, SECONDS, 1)),
        "taiwan": voiced(coded[1], babble(-19.0, SECONDS, 2)),
        "vermast": await asyncio.to_thread(flash_recording, cache, 2, COLOURS["vermast"]),
        "slovakia": await asyncio.to_thread(flash_recording, cache, 3, COLOURS["slovakia"]),
    }
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="pavilion-bench-") as folder:
        async with Hall(Path(folder), nice) as hall:
            _say("opening the hall")
            packets: list[tuple[int, int, int]] = []
            screen = await hall.screen()
            screen.on_packet = lambda packet, arrival: packets.append(_header(packet))
            viewer = await hall.viewer()
            long = {"hls-long": partial(live.hls_long, minutes=minutes)}
            for part, measure in {**STEPS, **long}.items():
                if part == "kill":
                    figures += measures.continuity(list(packets), "whole run")
                    packets.clear()
                if part not in parts:
                    continue
                _say(part)
                try:
                    for ident in SPEAKERS.get(part, ()):
                        if ident not in hall.speakers:
                            await hall.speak(ident, recordings[ident])
                    hall.favour()
                    found = await measure(hall, viewer)
                except (Refused, PavilionError, TimeoutError, ConnectionError) as error:
                    found = [Figure(part, None, bar=0, note=f"could not be measured: {error!r}")]
                print(table(found), flush=True)
                figures += found
            if "kill" in parts:
                figures += measures.continuity(list(packets), "over kill -9", gaps_allowed=True)
    return figures


def _header(packet: bytes) -> tuple[int, int, int]:
    """SSRC, sequence number and timestamp (RFC 3550, section 5.1)."""
    _, _, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", packet)
    return ssrc, sequence, timestamp


def _say(text: str) -> None:
    _tell(f"... {text}")


def _tell(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
