"""The measurements of `make bench`, each from a `Hall` to figures. The bars are the project's promises."""

import asyncio
import time
from collections.abc import Sequence
from itertools import pairwise

import psutil

from broadcast.client.whep import WhepViewer
from tests.bench import rows as of_rows
from tests.bench.figures import Figure, median, percentile
from tests.bench.hall import Hall, Viewer, cpu_seconds
from tests.bench.programme import Tape
from tests.bench.rows import COUNT, PRESENTED
from tests.support.browsers import PROBE

PRE = "pre-encoded publishers over WHIP"
SMOOTH_SECONDS = 60.0
SLATE_SECONDS = 10.0
ROUNDS = 20
LIPSYNC_SECONDS = 12.0


async def slate(hall: Hall, viewer: Viewer) -> list[Figure]:
    """Nobody speaks: the slate comes at the full rate."""
    await viewer.rows()
    await asyncio.sleep(SLATE_SECONDS)
    seen = await viewer.rows()
    share = of_rows.presented(seen) / of_rows.wanted(seen) * 100 if len(seen) > 1 else 0.0
    rate = (seen[-1][COUNT] - seen[0][COUNT]) / (seen[-1][PRESENTED] - seen[0][PRESENTED]) * 1000
    return [
        Figure("slate, no speaker: presented a second", rate, "fps", 29.1, True, f"{SLATE_SECONDS:.0f} s"),
        Figure("slate, no speaker: of the programme's pictures", share, "%", 97, True),
    ]


async def smooth(hall: Hall, viewer: Viewer, note: str = PRE) -> list[Figure]:
    """Sixty seconds with four hand-offs: smoothness in the viewer, CPU of server and mixer."""
    await hall.cue("thony")
    await hall.take("thony")
    await hall.cue("lanvin")
    await viewer.rows()
    before, spent, begun = await viewer.received(), cpu_seconds(hall.processes()), time.monotonic()
    psutil.cpu_percent()
    processes = hall.processes()
    for number in range(5):
        await asyncio.sleep(begun + SMOOTH_SECONDS * (number + 1) / 5 - time.monotonic())
        if number < 4:
            await hall.take(("lanvin", "thony")[number % 2])
            await hall.producer.command("cue", talk=("thony", "lanvin")[number % 2], force=True)
    wall = time.monotonic() - begun
    cpu = (cpu_seconds(processes) - spent) / wall
    busy = psutil.cpu_percent()
    after, seen = await viewer.received(), await viewer.rows()
    gained = {name: after[name] - before.get(name, 0) for name in after}
    concealed = gained["audio.concealedSamples"] / max(1, gained["audio.totalSamplesReceived"]) * 100
    delays = of_rows.delays(seen, [speaker.log for speaker in hall.speakers.values()], viewer.offset)
    share = of_rows.presented(seen) / of_rows.wanted(seen) * 100
    load = f"all cores {busy:.0f} % busy"
    figures = [
        Figure("60 s, 4 hand-offs: pictures presented", share, "%", 97, True, note),
        Figure("60 s, 4 hand-offs: longest gap", of_rows.longest_gap(seen), "ms", 67, note=load),
        Figure("60 s, 4 hand-offs: freezes", gained["video.freezeCount"], "", 0),
        Figure("60 s, 4 hand-offs: packets lost", gained.get("video.packetsLost", 0), "", 0),
        Figure("60 s, 4 hand-offs: concealed sound", concealed, "%", 1),
        Figure("CPU of server and mixer", cpu, "cores", 0.7, note="two 720p publishers, a screen, a viewer"),
    ]
    if delays:
        figures += [
            Figure("sent to shown, median", median(delays), "ms", 80, note=f"{len(delays)} pictures"),
            Figure("sent to shown, 95th percentile", percentile(delays, 0.95), "ms", 120),
        ]
    return figures


async def cuts(hall: Hall, viewer: Viewer) -> list[Figure]:
    """From `take` to the first picture of the new speaker."""
    found: list[float] = []
    names = list(hall.speakers)[:2]
    first = 1 if hall.producer.air == names[0] else 0
    for number in range(ROUNDS):
        who = (first + number) % 2
        await hall.cue(names[who])
        await asyncio.sleep(0.007 * number)  # at different moments of the programme's clock
        await viewer.rows()
        begun = viewer.clock(await hall.take(names[who]))
        seen: list[list[float]] = []
        until = time.monotonic() + 5
        while (shown := of_rows.first_of(seen, who, begun)) is None and time.monotonic() < until:
            await asyncio.sleep(0.05)
            seen += await viewer.rows()
        found.append(5000.0 if shown is None else shown - begun)
    note = f"{ROUNDS} takes; median {median(found):.0f}, longest {max(found):.0f}"
    return [
        Figure("take to first new picture, 95th percentile", percentile(found, 0.95), "ms", 150, note=note)
    ]


async def joins(hall: Hall, viewer: Viewer) -> list[Figure]:
    """From the click (a new connection) to the first picture, in a page of its own."""
    page = await (await viewer.page.context.browser.new_context(bypass_csp=True)).new_page()  # type: ignore[union-attr]
    await page.add_init_script(path=PROBE)
    await page.goto(f"{hall.server.url}/healthz")
    found: list[float] = []
    for number in range(ROUNDS):
        await asyncio.sleep(1.2 + 0.037 * number)
        joined = await page.evaluate(
            """async () => {
                const { pc, video, ms, answered, location } = await probe.whep("/whep");
                pc.close(); video.remove();
                await fetch(location, { method: "DELETE" });
                return [ms, answered];
            }"""
        )
        found.append(joined[0])
    await page.context.close()
    note = f"{ROUNDS} joins; median {median(found):.0f}, longest {max(found):.0f}"
    return [Figure("click to first picture, 95th percentile", percentile(found, 0.95), "ms", 300, note=note)]


async def lipsync(hall: Hall, viewer: Viewer) -> list[Figure]:
    """Flash and beep of one speaker, then of another after a hand-off.

    Measured in the programme as sent, plus what Chromium adds by its own clocks of what it plays out. The
    beep is also heard through WebAudio, whose buffers (some tens of ms, more on a busy machine) come on top.
    """
    await viewer.page.evaluate("window.ear = new probe.Ear(watched.stream); ear.beeps()")
    listener = WhepViewer(f"{hall.server.url}/whep")
    hall.stack.push_async_callback(listener.close)
    await listener.watch()
    tape = Tape(listener)
    found, clocks, sent = [], [], []
    for talk in ("vermast", "slovakia"):
        await hall.cue(talk)
        await hall.take(talk)
        await asyncio.sleep(2)
        await viewer.rows()
        await viewer.page.evaluate("ear.heard.length = 0")
        tape.packets.clear()
        for _ in range(round(LIPSYNC_SECONDS * 2)):
            await asyncio.sleep(0.5)
            now = await viewer.received()
            if "video.estimatedPlayoutTimestamp" in now:
                clocks.append(now["video.estimatedPlayoutTimestamp"] - now["audio.estimatedPlayoutTimestamp"])
        heard: list[float] = await viewer.page.evaluate("ear.heard")
        found.append(of_rows.pairs(of_rows.flashes(await viewer.rows()), heard))
        sent.append(await asyncio.to_thread(tape.beeps_after_flashes))
    if not all(found) or not all(sent):
        return [Figure("lip-sync", None, "ms", 45, note="no flash or no beep arrived")]
    before, after, played = median(sent[0]), median(sent[1]), median(clocks)
    shown = max(abs(before + played), abs(after + played))
    said = f"sound late as sent {before:+.0f}, after the hand-off {after:+.0f}; Chromium adds {played:+.0f}"
    through = (
        f"through WebAudio's buffers {median(found[0]):+.0f}, after the hand-off {median(found[1]):+.0f}"
    )
    return [
        Figure("lip-sync in the viewer", shown, "ms", 45, note=said),
        Figure("lip-sync, change by the hand-off", abs(before - after), "ms", 20),
        Figure("lip-sync as heard", max(abs(median(each)) for each in found), "ms", note=through),
    ]


async def kill(hall: Hall, viewer: Viewer) -> list[Figure]:
    """`kill -9` of the mixer: how long until pictures come again, on the same connection."""
    await hall.producer.command("slate")  # whoever was on air before
    await hall.cue("thony")
    await hall.take("thony")
    await asyncio.sleep(1)
    await viewer.rows()
    peers = await viewer.page.evaluate("probe.pcs.length")
    begun = viewer.clock(time.monotonic())
    hall.mixer().kill()
    await asyncio.sleep(4)
    seen = await viewer.rows()
    gap = of_rows.longest_gap(seen)
    again = of_rows.first_of(seen, 0, begun + 150)
    after = [row for row in seen if row[PRESENTED] > begun + gap]
    same = peers == await viewer.page.evaluate("probe.pcs.length")
    state = await viewer.page.evaluate("watched.pc.connectionState")
    back = 4000.0 if again is None or not after else gap
    note = f"same connection {same} ({state}); {len(after)} pictures after it"
    return [Figure("kill -9 of the mixer: pictures again", back, "ms", 1000, note=note)]


def continuity(
    packets: Sequence[tuple[int, int, int]], name: str, gaps_allowed: bool = False
) -> list[Figure]:
    """Strictness of the programme's packets: (ssrc, sequence number, timestamp) as they came.

    `gaps_allowed`: while a killed mixer is replaced the clock goes on, so a step over the gap has no bar.
    """
    figures = []
    for ssrc in dict.fromkeys(packet[0] for packet in packets):
        own = [packet for packet in packets if packet[0] == ssrc]
        jumps = sum((after[1] - before[1]) % 65536 != 1 for before, after in pairwise(own))
        stamps = list(dict.fromkeys(packet[2] for packet in own))
        steps = [(b - a) % (1 << 32) for a, b in pairwise(stamps)]
        usual = median(steps) if steps else 0
        odd = sum(step != usual for step in steps)
        note = f"{len(own)} packets, {len(stamps)} timestamps of {usual:.0f} ticks"
        figures.append(Figure(f"{name}: breaks in sequence numbers", jumps, "", 0, note=note))
        figures.append(Figure(f"{name}: breaks in timestamps", odd, "", None if gaps_allowed else 0))
    return figures
