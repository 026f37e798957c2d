"""The hall in which everything is measured: a server, speakers that publish pre-encoded media over real
WHIP, a producer on `/ws`, and Chromium as the audience."""

import asyncio
import contextlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from playwright.async_api import Page

from broadcast import priority
from broadcast.client.whep import WhepViewer
from broadcast.client.whip import WhipPublisher
from broadcast.garbage import keep_away
from broadcast.rtp.frame import Codec, Frame, Kind
from demo.control import Control, pass_of
from demo.publisher import play
from demo.recording import FPS, Recording
from demo.server import Server, shortened
from tests.bench.rows import SentLog
from tests.support import browsers

ROOT = Path(__file__).parents[2]
TALKS = ("thony", "lanvin", "vermast", "slovakia", "india", "taiwan")


@dataclass
class Gate:
    """A publisher whose line can be cut and mended. `last`: monotonic seconds of the last picture sent."""

    publisher: WhipPublisher
    last: float = 0.0
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _wanted: bool = True

    def send(self, frame: Frame) -> None:
        """A frame passes, or is lost; after `open_at_keyframe` all do from the next keyframe on."""
        if self._wanted and frame.kind is Kind.VIDEO and frame.keyframe:
            self._open.set()
        if not self._open.is_set():
            return
        if frame.kind is Kind.VIDEO:
            self.last = time.monotonic()
        self.publisher.send(frame)

    def shut(self) -> None:
        """Nothing passes any more."""
        self._wanted = False
        self._open.clear()

    async def open_at_keyframe(self) -> float:
        """Mend the line with the next keyframe; the monotonic time of that."""
        self._wanted = True
        await self._open.wait()
        return time.monotonic()


@dataclass
class Speaker:
    """One publisher and what it sent."""

    publisher: WhipPublisher
    gate: Gate
    control: Control
    playing: "asyncio.Task[None]"
    log: SentLog


@dataclass
class Viewer:
    """A page that watches the programme by WHEP, and nothing else."""

    page: Page
    offset: float = 0.0  # page's ms = monotonic ms + offset

    def clock(self, monotonic: float) -> float:
        """A monotonic time in seconds by the page's clock, in ms."""
        return monotonic * 1000 + self.offset

    async def rows(self) -> list[list[float]]:
        """The pictures presented since the last call."""
        found: list[list[float]] = await self.page.evaluate("window.eye.take()")
        return found

    async def received(self) -> dict[str, float]:
        """The browser's own statistics."""
        found: dict[str, float] = await self.page.evaluate("probe.received()")
        return found


@dataclass
class Hall:
    """Use as `async with Hall(folder) as hall`."""

    folder: Path
    nice: int = 0  # the priority of everything that is measured
    speakers: dict[str, Speaker] = field(default_factory=dict)
    stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def __aenter__(self) -> Self:
        table = shortened(ROOT / "config.toml", seconds=3600 * 10, lead=-10)
        table["talks"] = [talk for talk in table["talks"] if talk["id"] in TALKS]
        self.server = Server(table, self.folder)
        self.stack.push_async_callback(self.server.stop)
        await self.server.start()
        self.passes = {ident: pass_of(link) for ident, link in (await self.server.links()).items()}
        self.producer = await self.stack.enter_async_context(
            Control(self.server.url, self.passes["producer"], "bench")
        )
        self.chromium = browsers.Chromium()
        self.stack.push_async_callback(self.chromium.close)
        # The speakers are sent from here, and a full collection would be a stall of all their lines.
        sweeping = asyncio.create_task(keep_away(lambda: False))
        self.stack.push_async_callback(_cancel, sweeping)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stack.__aexit__(kind, error, trace)

    async def viewer(self) -> Viewer:
        """A Chromium that watches; the first picture is there on return."""
        browser = await self.chromium.browser()
        context = await browsers.context(browser, bypass_csp=True)
        page = await context.new_page()
        # Any page of this origin will do; the plainest keeps the measured page's own work small.
        await page.goto(f"{self.server.url}/healthz")
        await page.evaluate(
            """async () => {
                window.watched = await probe.whep("/whep");
                watched.video.muted = false;
                window.eye = new probe.Watch(watched.video, { code: true, spot: [0.5, 0.5] });
            }"""
        )
        viewer = Viewer(page)
        viewer.offset = await clock_offset(page)
        return viewer

    async def screen(self) -> WhepViewer:
        """A screen that takes down each packet's header and decodes nothing."""
        viewer = WhepViewer(f"{self.server.url}/whep", self.passes["pavilion"], decrypt=False)
        self.stack.push_async_callback(viewer.close)
        await viewer.watch()
        return viewer

    async def speak(self, ident: str, recording: Recording) -> Speaker:
        """A speaker publishes a recording in a loop and says ready."""
        publisher = WhipPublisher(f"{self.server.url}/whip", self.passes[ident])
        self.stack.push_async_callback(publisher.close)
        await publisher.publish(video=Codec.H264, audio=True)
        log = SentLog(round(recording.seconds * FPS))
        gate = Gate(publisher)
        playing = asyncio.create_task(play(gate, recording, sent=log.note), name=f"{ident} plays")
        self.stack.push_async_callback(_cancel, playing)
        control = await self.stack.enter_async_context(Control(self.server.url, self.passes[ident], "speak"))
        await control.until(lambda now: now.state)
        await control.command("ready", ready=True)
        await self.producer.until(lambda now: ident in now.person(ident).get("feeds", ()))
        self.speakers[ident] = Speaker(publisher, gate, control, playing, log)
        return self.speakers[ident]

    async def cue(self, talk: str) -> None:
        """Put a talk on standby and wait until its picture can be taken."""
        await self.producer.command("cue", talk=talk, force=True)
        await self.producer.until(lambda now: _fresh(now, talk))
        await asyncio.sleep(1.2)  # the mixer decodes from the next keyframe of the recording

    async def take(self, talk: str, transition: str = "cut") -> float:
        """Take a talk; returns the monotonic time at which the command was sent."""
        begun = time.monotonic()
        await self.producer.command("take", talk=talk, transition=transition, force=True)
        await self.producer.until(lambda now: now.air == talk)
        return begun

    def favour(self) -> None:
        """Give all that runs by now its priority. What is another machine on air, viewers' browsers and who
        sends the speakers, is on time as the server is (SCHED_RR): else it would be measured how long it
        waits for the server. Threads that a browser itself has put in real time, its sound, keep the place
        before all others that it gave them. Without the right to, all stay as they are.
        """
        ours = {process.pid for process in self.processes()}
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            with contextlib.suppress(OSError, psutil.Error):
                if process.pid in ours:
                    process.nice(min(self.nice, process.nice()))  # the server has one of its own
                elif process.pid == os.getpid():
                    priority.on_time(priority.PASSING)
                elif Path(process.exe()).name != "node":  # it starts the browsers of later steps, which speak
                    _be_on_time(process)

    def processes(self) -> list[psutil.Process]:
        """The server and all its children."""
        assert self.server.process is not None, "the hall started its server"
        server = psutil.Process(self.server.process.pid)
        return [server, *server.children(recursive=True)]

    def mixer(self) -> psutil.Process:
        """The mixer on the air: of the children that are mixers (one is a spare) the one that worked most."""
        mixers = [child for child in self.processes()[1:] if "broadcast.mixer" in " ".join(child.cmdline())]
        return max(mixers, key=lambda child: sum(child.cpu_times()[:2]))


def _be_on_time(process: psutil.Process) -> None:
    """All threads of a browser that are not so by its own will; those that have just ended are left."""
    for thread in process.threads():
        with contextlib.suppress(OSError):
            if os.sched_getscheduler(thread.id) == os.SCHED_OTHER:
                os.sched_setscheduler(thread.id, os.SCHED_RR, os.sched_param(priority.PASSING))


async def clock_offset(page: Page) -> float:
    """By how many ms the page's clock differs from the monotonic clock: the narrowest of many looks."""
    best = (float("inf"), 0.0)
    for _ in range(40):
        before = time.monotonic()
        there = await page.evaluate("performance.now()")
        after = time.monotonic()
        best = min(best, (after - before, there - (before + after) * 500))
    return best[1]


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """CPU time that these processes have used until now."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _fresh(control: Control, talk: str) -> bool:
    ages = {feed["id"]: feed.get("video_age_ms") for feed in control.health.get("feeds", ())}
    age = ages.get(talk)
    return control.state.get("standby") == talk and age is not None and age < 300


async def _cancel(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
