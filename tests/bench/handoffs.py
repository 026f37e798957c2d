"""Hand-offs that one can bet a show on: many in a row, failures on air, and the sound at the cut."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from broadcast.client.whep import WhepViewer
from broadcast.errors import RequestError
from demo.control import Control
from tests.bench import listening
from tests.bench import rows as of_rows
from tests.bench.figures import Figure, median, percentile
from tests.bench.hall import Hall, Viewer
from tests.bench.listening import SoundTape
from tests.bench.rows import COUNT, PRESENTED, Row
from tests.support import browsers, cast
from tests.support.media import camera_file, microphone_file

HAND_OFFS = 200
DEAD_ROUNDS = 3
CALM = 31.0  # seconds after which a fall of the feed is forgotten (signaling/watch.py)
SETTLE = 5.0  # seconds on air until the loudness must be right
MEASURED = 6.0  # seconds over which loudness and levels are measured


async def hand_offs(hall: Hall, viewer: Viewer) -> list[Figure]:
    """One after the other between two speakers: pictures, sound, and what the speakers are asked for."""
    names = list(hall.speakers)[:2]
    tape = SoundTape(await _watcher(hall, "/whep"))
    await _on_air(hall, names[0])
    late = [0.0]
    noting = asyncio.create_task(_note_late(hall, late))
    hall.stack.callback(noting.cancel)
    before = await viewer.received()
    tape.packets.clear()
    seen, takes = [*await viewer.rows()], []
    for number in range(1, HAND_OFFS + 1):
        await hall.producer.command("cue", talk=names[number % 2], force=True)
        # The mixer decodes from the next keyframe of the recording; at different moments of the tick.
        await asyncio.sleep(1.2 + 0.0007 * number)
        takes.append((await hall.take(names[number % 2]), number % 2))
        await asyncio.sleep(0.2)
        seen += await viewer.rows()
    await asyncio.sleep(1)
    seen += await viewer.rows()
    after = await viewer.received()
    noting.cancel()
    await tape.viewer.close()
    begun, wave = await asyncio.to_thread(tape.wave)
    cuts = [_cut(seen, who, viewer.clock(at)) for at, who in takes]
    found = [each for each in cuts if each is not None]
    if not found:
        return [Figure("hand-offs: pictures", None, "ms", 50, note="no new speaker was seen")]
    waits, gaps = [each[0] for each in found], [each[1] for each in found]
    clicks = [
        listening.sharpest(part)
        for (at, _), wait in zip(takes, waits, strict=False)
        if len(part := listening.around(begun, wave, at + wait / 1000)) > 9600
    ]
    gained = {name: after[name] - before.get(name, 0) for name in after}
    concealed = gained["audio.silentConcealedSamples"] / 48
    caused = await _caused_by_viewers(hall)
    silence, ended = listening.longest_silence(wave)
    nearest = min((begun + ended - at for at, _ in takes), key=abs)
    where = f"its end {nearest:+.2f} s from the nearest take" if silence else ""
    return [
        Figure("hand-offs: seen in the viewer", len(found), "", HAND_OFFS, True),
        Figure("hand-offs: gap between pictures, 99 %", percentile(gaps, 0.99), "ms", 50, note=_spread(gaps)),
        Figure(
            "hand-offs: take to new picture, 95 %", percentile(waits, 0.95), "ms", 100, note=_spread(waits)
        ),
        Figure("hand-offs: longest silence sent", silence, "ms", 20, note=where),
        Figure("hand-offs: sound that came too late", 100 * max(late), "%", note="of five seconds"),
        Figure(
            "hand-offs: sharpest click sent", max(clicks), "dBFS", -50, note=f"median {median(clicks):.0f}"
        ),
        Figure("hand-offs: silence that Chromium added", concealed, "ms", note="in the whole run"),
        Figure("hand-offs: keyframes that viewers cause", caused, "", 0, note="20 requests by a viewer"),
    ]


async def dead_feed(hall: Hall, viewer: Viewer) -> list[Figure]:
    """The camera on air falls silent, and comes back with a keyframe."""
    speaker = hall.speakers["thony"]
    await _on_air(hall, "thony")
    away, back = [], []
    for number in range(DEAD_ROUNDS):
        await asyncio.sleep(CALM if number else 3.0)
        await viewer.rows()
        speaker.gate.shut()
        stopped = viewer.clock(speaker.gate.last)
        away.append(await _first(viewer, partial(_gone, who=0, after=stopped)) - stopped)
        await asyncio.sleep(2)
        await viewer.rows()
        healthy = viewer.clock(await speaker.gate.open_at_keyframe())
        back.append(await _first(viewer, partial(of_rows.first_of, who=0, after=healthy)) - healthy)
    return [
        Figure("dead feed: last packet to slate", max(away), "ms", 500, note=_spread(away)),
        Figure("dead feed: healthy pictures to programme", max(back), "ms", 500, note=_spread(back)),
    ]


async def mix_minus(hall: Hall, viewer: Viewer) -> list[Figure]:
    """Thony is on air with a steady tone: what she and what the next speaker hear in their returns."""
    await _on_air(hall, "thony")
    tapes = [SoundTape(await _watcher(hall, "/whep/return", who)) for who in ("thony", "lanvin")]
    await asyncio.sleep(2)
    for tape in tapes:
        tape.packets.clear()
    await asyncio.sleep(MEASURED)
    own, others = [listening.rms((await asyncio.to_thread(tape.wave))[1]) for tape in tapes]
    for tape in tapes:
        await tape.viewer.close()
    note = f"own {own:.0f} dBFS, in another's ear {others:.0f} dBFS"
    return [Figure("mix-minus: own voice below the others'", others - own, "dB", 40, True, note)]


async def loudness(hall: Hall, viewer: Viewer) -> list[Figure]:
    """Two voices 15 LU apart, one after the other on air."""
    tape = SoundTape(await _watcher(hall, "/whep"))
    found = []
    for talk in ("india", "taiwan"):
        await _on_air(hall, talk)
        await asyncio.sleep(SETTLE)
        tape.packets.clear()
        await asyncio.sleep(MEASURED)
        found.append(listening.loudness((await asyncio.to_thread(tape.wave))[1]))
    await tape.viewer.close()
    soft, loud = found
    if soft is None or loud is None:
        return [Figure("loudness: difference of two speakers", None, "LU", 2, note="no voice arrived")]
    note = f"{soft:.1f} and {loud:.1f} LUFS; 15 LU apart as they came"
    return [Figure("loudness: difference of two speakers", abs(soft - loud), "LU", 2, note=note)]


async def restart(hall: Hall, viewer: Viewer) -> list[Figure]:
    """`kill -9` of the server during a talk; it is started again, a speaker's page and a viewer find back."""
    folder = hall.folder
    camera = camera_file(folder / "camera.y4m", (120, 90, 200), 640, 360)
    browser = await hall.chromium.browser(camera, microphone_file(folder / "voice.wav", 500.0))
    link = (await hall.server.links())["vermast"]
    page = await browsers.page(browser, link)
    await cast.join(page)
    await hall.producer.command("take", talk="vermast", force=True)
    await asyncio.sleep(2)
    process = hall.server.process
    assert process is not None, "the hall started its server"
    os.kill(process.pid, signal.SIGKILL)
    await asyncio.to_thread(process.wait)
    begun = time.monotonic()
    starting = asyncio.create_task(hall.server.start())
    programme = await _programme_again(hall) - begun
    await starting
    async with Control(hall.server.url, hall.passes["producer"], "bench") as producer:
        await producer.until(lambda now: now.state)
        same = producer.air == "vermast" or producer.state["air"]["held"] == "vermast"
        with contextlib.suppress(TimeoutError):
            await producer.until(
                lambda now: now.air == "vermast" and "vermast" in now.person("vermast").get("feeds", ()), 20
            )
        back = time.monotonic() - begun
    return [
        Figure(
            "kill -9 of the server: programme again", programme, "s", 3, note="from the start of the new one"
        ),
        Figure("kill -9 of the server: the same talk", float(same), "", 1, True),
        Figure("kill -9 of the server: speaker's page back", back, "s", 5, note="live again, by itself"),
    ]


async def _note_late(hall: Hall, found: list[float]) -> None:
    """Adds what share of each feed's sound had not come in time, each time the health says so."""
    while True:
        last = hall.producer.health
        await hall.producer.until(lambda now, last=last: now.health is not last)
        found += [feed["missing"] or 0.0 for feed in hall.producer.health["feeds"]]


async def _on_air(hall: Hall, talk: str) -> None:
    if hall.producer.air != talk:
        await hall.cue(talk)
        await hall.take(talk)


async def _programme_again(hall: Hall) -> float:
    """When the first packet of the programme comes again."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        viewer = WhepViewer(f"{hall.server.url}/whep", hall.passes["pavilion"], decrypt=False)
        with contextlib.suppress(RequestError):
            await viewer.watch()
            while viewer.first_packet is None and time.monotonic() < until:  # noqa: ASYNC110 - the network
                await asyncio.sleep(0.01)
        await viewer.close()
        if viewer.first_packet is not None:
            return viewer.first_packet
        await asyncio.sleep(0.05)
    return float("inf")


async def _watcher(hall: Hall, path: str, who: str = "pavilion") -> WhepViewer:
    viewer = WhepViewer(hall.server.url + path, hall.passes[who])
    hall.stack.push_async_callback(viewer.close)
    await viewer.watch()
    return viewer


async def _caused_by_viewers(hall: Hall) -> int:
    """Keyframes that the speakers are asked for while a viewer asks for twenty and loses packets."""
    viewer = await _watcher(hall, "/whep")
    await asyncio.sleep(1)
    before = sum(each.publisher.keyframe_requests for each in hall.speakers.values())
    for number in range(20):
        for ssrc in tuple(viewer.streams):
            viewer.ask_keyframe(ssrc)
            viewer.ask_again(ssrc, [number, 40000 + number])
        await asyncio.sleep(0.1)
    await viewer.close()
    return sum(each.publisher.keyframe_requests for each in hall.speakers.values()) - before


async def _first(viewer: Viewer, find: Callable[[list[list[float]]], float | None]) -> float:
    """What is found in the rows from now on; infinity after five seconds."""
    seen: list[list[float]] = []
    until = time.monotonic() + 5
    while (found := find(seen)) is None and time.monotonic() < until:
        await asyncio.sleep(0.05)
        seen += await viewer.rows()
    return float("inf") if found is None else found


def _cut(rows: list[list[float]], who: int, after: float) -> tuple[float, float] | None:
    """From `after` to the first picture of `who`, and from the picture before to that, in ms.

    Where the page was told of one picture too few (its callback came late), the time is shared among them.
    """
    for before, row in pairwise(rows):
        if row[PRESENTED] > after and of_rows.speaker(row) == who:
            gap = (row[PRESENTED] - before[PRESENTED]) / max(1, row[COUNT] - before[COUNT])
            return row[PRESENTED] - after, gap
    return None


def _gone(rows: list[list[float]], who: int, after: float) -> float | None:
    """When the first picture without `who` was presented."""
    found: Row | None = next(
        (row for row in rows if row[PRESENTED] > after and of_rows.speaker(row) != who), None
    )
    return None if found is None else found[PRESENTED]


def _spread(values: list[float]) -> str:
    return f"{len(values)}; median {median(values):.0f}, longest {max(values):.0f}"
