"""The demo's show at speed for a long time: what grows in the server and its mixers, by the hour.

Hand-offs follow one another, one viewer stays, others come and go, and a speaker reconnects now and then.
`python -m tests.bench --only soak --minutes 60`; each sample goes to build/soak.csv. Short runs prove little:
a straight line through a few minutes is mostly noise.
"""

import asyncio
import contextlib
import csv
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.request import urlopen

import psutil

from broadcast.client.whep import WhepViewer
from broadcast.errors import PavilionError
from demo.cast import perform, prepare, roles
from demo.control import Control, Refused, pass_of
from demo.recording import Recording
from demo.server import Server, shortened
from demo.show import run_show
from tests.bench.figures import Figure, floor, slope
from tests.bench.hall import ROOT

SHOW_SECONDS = 32.0  # of one round of all talks: with the time of a preview, a hand-off each 4 s or so
EVERY = 2.0  # seconds between samples
WINDOWS = 30  # of which the lowest values count: a leak raises the floor, a busy moment does not
WARM_UP = 0.25  # of the whole time: caches fill, allocators find their size
STAYS = 5.0  # seconds that a passing viewer watches
RECONNECTS = 30.0  # seconds between two departures of a speaker
MEMORY_BAR = 8.0  # MiB an hour
COUNT_BAR = 1.0  # tasks, threads, descriptors an hour
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One process at one moment: memory in MiB; `tasks` of the server alone, else 0."""

    at: float
    process: str
    memory: float
    threads: int
    descriptors: int
    tasks: int = 0


async def soak(folder: Path, minutes: float, output: Path, tell: Callable[[str], None]) -> list[Figure]:
    """Run the show for that long, and say what has grown. Samples go to soak.csv in the folder `output`."""
    table = shortened(ROOT / "config.toml", SHOW_SECONDS, lead=5)
    recordings = await prepare(roles(table), ROOT / "build" / "demo", tell)
    server = Server(shortened(ROOT / "config.toml", SHOW_SECONDS, lead=5), folder)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(server.stop)
        await server.start()
        links = await server.links()
        for work in (
            _cast(server.url, links, recordings),
            _show(server.url, pass_of(links["producer"]), table["talks"]),
            _audience(server.url),
            _passers_by(server.url),
        ):
            stack.push_async_callback(_cancelled, asyncio.create_task(work))
        samples = await _watch(server, minutes * 60, output / "soak.csv", tell)
    return [*figures(samples), Figure("soak: processes that were replaced", _replaced(samples), "", 0)]


def figures(samples: Sequence[Sample]) -> Iterator[Figure]:
    """Growth of each process after warm-up."""
    begin = samples[0].at + WARM_UP * (samples[-1].at - samples[0].at)
    for process in dict.fromkeys(sample.process for sample in samples):
        own = [sample for sample in samples if sample.process == process and sample.at >= begin]
        if len(own) < 3:
            continue  # it came or went on the way, which is a figure of its own
        for what, unit, bar in (
            ("memory", "MiB/h", MEMORY_BAR),
            ("threads", "/h", COUNT_BAR),
            ("descriptors", "/h", COUNT_BAR),
            ("tasks", "/h", COUNT_BAR),
        ):
            values = [float(getattr(sample, what)) for sample in own]
            if any(values):
                lowest = floor(values, WINDOWS)
                step = (own[-1].at - own[0].at) / len(lowest)
                growth = 3600 * slope([n * step for n in range(len(lowest))], lowest)
                note = f"first {values[0]:.0f}, last {values[-1]:.0f}, {min(values):.0f} to {max(values):.0f}"
                yield Figure(f"soak: {what} of the {process}", growth, unit, bar, note=note)


async def _watch(server: Server, seconds: float, path: Path, tell: Callable[[str], None]) -> list[Sample]:
    assert server.process is not None, "it has been started"
    whole = psutil.Process(server.process.pid)
    samples: list[Sample] = []
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = told = time.monotonic()
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(Sample.__slots__)
        while (now := time.monotonic()) < begun + seconds:
            found = await asyncio.to_thread(_sample, whole, server.url, now - begun)
            samples += found
            rows.writerows([getattr(sample, name) for name in Sample.__slots__] for sample in found)
            file.flush()
            if now - told >= 60:
                told = now
                sizes = ", ".join(f"{sample.process} {sample.memory:.0f} MiB" for sample in found)
                tell(f"... {(now - begun) / 60:.0f} min: {sizes}")
            await asyncio.sleep(max(0.0, now + EVERY - time.monotonic()))
    return samples


def _sample(whole: psutil.Process, url: str, at: float) -> list[Sample]:
    """The server and its children: the mixer that worked most is the one on air, the other the spare."""
    found = []
    with contextlib.suppress(OSError):  # a machine so busy that nobody answers: the next sample will do
        # Asked last, lest our own connection be counted.
        found.append(replace(_of(whole, "server", at), tasks=_tasks(url)))
    mixers = []
    for child in whole.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            mixers.append((sum(child.cpu_times()[:2]), child))
    mixers.sort(key=lambda pair: -pair[0])
    for name, (_, child) in zip(("mixer", "spare mixer"), mixers, strict=False):
        with contextlib.suppress(psutil.Error):
            found.append(_of(child, f"{name} {child.pid}", at))
    return found


def _of(process: psutil.Process, name: str, at: float) -> Sample:
    with process.oneshot():
        memory = process.memory_info().rss / MEBIBYTE
        return Sample(at, name, memory, process.num_threads(), process.num_fds())


def _tasks(url: str) -> int:
    """How many tasks the server runs, as it says itself."""
    with urlopen(f"{url}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("pavilion_server_tasks "):
                return int(float(line.split()[1]))
    return 0


def _replaced(samples: Sequence[Sample]) -> int:
    names = {sample.process for sample in samples if sample.at > samples[-1].at / 10}
    return max(0, len(names) - 3)


async def _show(url: str, pass_: str, talks: list[dict[str, object]]) -> None:
    """Talk after talk, whatever is refused on the way."""
    while True:
        with contextlib.suppress(Refused, TimeoutError, ConnectionError, OSError):
            async with Control(url, pass_, page="robot") as control:
                await control.until(lambda now: now.state)
                await run_show(control, talks, _quiet, once=False)
        await asyncio.sleep(1)


async def _cast(url: str, links: dict[str, str], recordings: dict[str, Recording]) -> None:
    """Everybody on stage; every half minute one of them goes and comes back."""
    running = {
        ident: asyncio.create_task(perform(url, links[ident], recording, tell=_quiet))
        for ident, recording in recordings.items()
    }
    try:
        while True:
            for ident, recording in recordings.items():
                await asyncio.sleep(RECONNECTS)
                await _cancelled(running[ident])
                running[ident] = asyncio.create_task(perform(url, links[ident], recording, tell=_quiet))
    finally:
        for task in running.values():
            await _cancelled(task)


async def _audience(url: str) -> None:
    """A viewer who stays."""
    while True:
        await _watch_for(url, float("inf"))


async def _passers_by(url: str) -> None:
    """Viewers who come and go."""
    while True:
        await _watch_for(url, STAYS)


async def _watch_for(url: str, seconds: float) -> None:
    viewer = WhepViewer(f"{url}/whep", decrypt=False)
    ended = asyncio.Event()
    viewer.on_closed = lambda reason: ended.set()
    try:
        await viewer.watch()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), None if seconds == float("inf") else seconds)
    except (PavilionError, OSError):
        await asyncio.sleep(1)
    finally:
        await viewer.close()


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _quiet(text: str) -> None:
    """What the robots say is not what is measured."""
