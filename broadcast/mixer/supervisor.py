"""The server's side of the mixer: keeps one process on air and a spare one warm, and speaks for both.

When the process on air dies, the spare gets the staged feeds, the scene and the programme's last group of
pictures within the same turn of the loop. It shows the last picture until the feeds' keyframes arrive, so
viewers see a short still and nothing else. Ticks go on counting from the same epoch.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from broadcast.errors import MediaError
from broadcast.mixer.meter import Meter
from broadcast.mixer.process import Process
from broadcast.mixer.quarantine import Quarantine
from broadcast.mixer.returns import Returns
from broadcast.mixer.scene import Return, Scene
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.sights import Sights
from broadcast.mixer.sound import BLOCK
from broadcast.mixer.wire import Word
from broadcast.pipe import unpack_frame, unpack_json
from broadcast.rtp.frame import Frame, Kind

log = logging.getLogger(__name__)

START_TIMEOUT = 20.0  # seconds for a process to get ready
STUCK = 1.5  # seconds without a frame after which the process is killed
WATCH = 0.25  # seconds between looks
LEAD_IN = 0.05  # seconds until tick 0
SPARE_AFTER = 1.0  # seconds after a start until the spare is started: the show has the CPU first
CRASHES, CRASH_WINDOW, CRASH_PAUSE = 5, 10.0, 1.0  # so many in so many seconds: pause between starts
ASK_AGAIN = 0.5  # seconds between requests for a keyframe of one feed
GROUP = 90  # frames of the programme kept for the spare; a group is at most so long, or not kept

State = Literal["up", "starting"]
Transition = Literal["cut", "dissolve"]


class Mixer:
    """The programme. Set the callbacks, then `await start()`. All calls belong to the event loop's thread.

    `on_frame` gets the full rendition and the sound, `on_rendition` each smaller one's pictures by its name.
    Regular keyframes (timestamps that are multiples of the interval) come at the same ticks in all; a forced
    one comes in one rendition alone, before that tick's pictures of the others.
    """

    def __init__(self, settings: ProgrammeSettings) -> None:
        self.settings = settings
        self.state: State = "starting"
        self.on_frame: Callable[[Frame], None] = _nobody
        self.on_rendition: Callable[[str, Frame], None] = _nobody
        self.on_shown: Callable[[str, float], None] = _nobody
        self.on_state: Callable[[str], None] = _nobody
        self.on_keyframe_wanted: Callable[[str], None] = _nobody
        self.on_return: Callable[[str, Frame], None] = _nobody
        self.on_segment_sound: Callable[[Frame], None] = _nobody
        self.on_snapshot: Callable[[int, bytes], None] = _nobody  # Unix second, JPEG
        self.on_quarantine: Callable[[str], None] = _nobody
        self.sights = Sights()  # of the staged feeds
        self.quarantine = Quarantine()  # feeds that crash the process: their frames go no further
        self.epoch = 0.0  # monotonic time of tick 0
        self.restarts = 0
        self.dropped = 0
        self._beginning: Process | None = None  # begun, and not yet waited for
        self._air: Process | None = None
        self._spare: Process | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._stopping = False
        self._staged: dict[str, bool] = {}  # feed -> the next picture must be a keyframe
        self._asked: dict[str, float] = {}
        self._returns = Returns()
        self._scene: tuple[Scene, str, Transition] | None = None
        self._prepared: Scene | None = None
        self._group: list[Frame] = []
        self._next = {Kind.VIDEO: 0, Kind.AUDIO: 0}  # the first tick not yet out
        self._last_frame = 0.0
        self._crashes: list[float] = []
        self._stats: dict[str, Any] = {}
        self._meter = Meter()

    @property
    def spare_ready(self) -> bool:
        """Whether a spare process waits: a crash now costs a fraction of a second."""
        return self._spare is not None

    async def begin(self) -> None:
        """Let the first process get ready, while others have something else to do. `start` waits for it."""
        self._beginning = await self._begun()

    async def start(self) -> None:
        """Put the programme on air: returns when the process has been told to go. Raises MediaError."""
        first, self._beginning = self._beginning or await self._begun(), None
        process = await self._ready(first)
        if process is None:
            raise MediaError("the mixer's process does not start", code="mixer_failed")
        self.epoch = time.monotonic() + LEAD_IN
        self._go(process)
        self._watching = asyncio.create_task(self._watch())
        self._soon(self._renew_spare(SPARE_AFTER))

    async def stop(self) -> None:
        """End both processes. Idempotent."""
        self._stopping = True
        for task in (self._watching, *self._tasks):
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, (self._watching, *self._tasks)), return_exceptions=True)
        all_of_them = (self._beginning, self._air, self._spare)
        ends = [process.close() for process in all_of_them if process is not None]
        self._beginning = self._air = self._spare = None
        await asyncio.gather(*ends)

    # -- commands ----------------------------------------------------------------------------------------

    def stage(self, feeds: Iterable[str]) -> None:
        """Decode exactly these feeds, the air's and the standby's; each new one is asked for a keyframe."""
        wanted = dict.fromkeys(feeds)
        new = [feed for feed in wanted if feed not in self._staged]
        self._staged = {feed: self._staged.get(feed, True) for feed in wanted}
        self._asked = {feed: at for feed, at in self._asked.items() if feed in wanted}
        if self._air is not None:
            self._air.send_json(Word.STAGE, list(self._staged))
        for feed in new:
            self._ask(feed)

    def frame(self, feed_id: str, frame: Frame) -> None:
        """A frame of a feed; ignored at no cost when the feed is not staged.

        When the process does not keep up (4 MiB wait), pictures are dropped up to the next keyframe and
        sound as it comes.
        """
        if self._air is None or feed_id in self.quarantine.feeds:
            return
        if feed_id in self._returns.talkback:
            if frame.kind is Kind.AUDIO and not self._air.send_frame(Word.FRAME, frame, feed_id):
                self.dropped += 1
            return
        needs_keyframe = self._staged.get(feed_id)
        if needs_keyframe is None:
            return
        if frame.kind is Kind.VIDEO and needs_keyframe:
            if not frame.keyframe:
                self._ask(feed_id)
                return
            self._staged[feed_id] = False
        if not self._air.send_frame(Word.FRAME, frame, feed_id):
            self.dropped += 1
            if frame.kind is Kind.VIDEO:
                self._staged[feed_id] = True

    def prepare(self, scene: Scene) -> None:
        """This scene may come: its titles are drawn now, so that they are there at the take."""
        self._prepared = scene
        for process in (self._air, self._spare):
            if process is not None:
                process.send_json(Word.PREPARE, scene.to_json())

    def show(self, scene: Scene, token: str, transition: Transition = "cut") -> None:
        """This scene at the next frame; `on_shown` is told the token when its first frame is out.

        A scene that has not been shown when the next one comes is given up: its token is never told.
        """
        self._scene = (scene, token, transition)
        if self._air is not None:
            self._send_scene(self._air, transition)
        if self._spare is not None:
            self._spare.send_json(Word.PREPARE, scene.to_json())

    def returns(self, returns: Mapping[str, Return]) -> None:
        """What each person (by id) hears when they listen; who is not named hears the programme without
        the feed of their own id. Survives a restart; saying the same again costs nothing.

        Talkback feeds need not be staged: their frames are taken by `frame` as long as a return of somebody
        who listens names them. They are never on the programme, not even if a scene names them.
        """
        if self._returns.say(returns):
            self._send_returns()

    def listening(self, people: Iterable[str]) -> None:
        """Who listens to their return now; `on_return` gets a packet for each of them every 20 ms. The
        others' returns cost nothing."""
        if self._returns.listen(people):
            self._send_returns()

    def keyframe(self, rendition: str = "") -> None:
        """Force a keyframe of the rendition with this name, or of the full one, and of no other. How often is
        the caller's business."""
        if self._air is not None:
            self._air.send(Word.KEYFRAME, rendition.encode())

    def stats(self) -> dict[str, Any]:
        """`fps`, `nominal_fps` (what it should be), `late_ms` (worst of the last second), `early` (cuts begun
        before their tick), `restarts`, `cpu` (cores), `dropped`, `pid`, and `sources`: of each staged feed
        decoded fps, delay, failures."""
        figures = {**self._meter.figures(self._stats), "nominal_fps": self.settings.fps}
        pid = self._air.pid if self._air else None
        return {**figures, "restarts": self.restarts, "dropped": self.dropped, "pid": pid}

    # -- processes ---------------------------------------------------------------------------------------

    async def _new(self) -> Process | None:
        """A process that is ready, or None."""
        return await self._ready(await self._begun())

    async def _begun(self) -> Process | None:
        """A process that gets ready, or None."""
        process = Process(self._message, self._gone)
        try:
            await process.begin(self.settings)
        except OSError as error:
            log.error("mixer process does not start: %s", error)
            return None
        except BaseException:
            process.kill()
            await process.close()
            raise
        return process

    async def _ready(self, process: Process | None) -> Process | None:
        """The process once it is ready; None when it does not get so."""
        return process if process is not None and await process.settle(START_TIMEOUT) else None

    def _go(self, process: Process) -> None:
        """Put a ready process on air, with all that it must know."""
        self._air = process
        for frame in self._group:
            process.send_frame(Word.HOLD, frame)
        self._group = []
        process.send_json(Word.LEVELS, self._meter.loudness)
        process.send_json(Word.STAGE, list(self._staged))
        self._send_returns()
        if self._scene is not None:
            self._send_scene(process, "cut")
        process.send_json(
            Word.GO, {"epoch": self.epoch, "picture": self._next[Kind.VIDEO], "sound": self._next[Kind.AUDIO]}
        )
        self._last_frame = time.monotonic()
        self.sights.begun(self._last_frame)
        self._asked = {}
        for feed in self._staged:
            self._staged[feed] = True
            self._ask(feed)

    def _send_scene(self, process: Process, transition: Transition) -> None:
        assert self._scene is not None, "the callers have looked"
        scene, token, _ = self._scene
        process.send_json(Word.SHOW, {"scene": scene.to_json(), "token": token, "transition": transition})

    def _send_returns(self) -> None:
        if self._air is not None:
            self._air.send_json(Word.RETURNS, self._returns.to_json())

    def _gone(self, process: Process) -> None:
        """A process has closed its socket: the spare goes on air, in this very turn."""
        if self._stopping:
            return
        self._soon(self._bury(process))
        if process is self._spare:
            log.warning("the spare mixer %s died", process.pid)
            self._spare = None
            self._soon(self._renew_spare(SPARE_AFTER))
        elif process is self._air:
            log.error(
                "the mixer %s died, %s",
                process.pid,
                "the spare takes over" if self._spare else "starting anew",
            )
            self._air = None
            self.restarts += 1
            now = time.monotonic()
            self._crashes = [at for at in self._crashes if at > now - CRASH_WINDOW] + [now]
            self._set_state("starting")
            spare, self._spare = self._spare, None
            if spare is not None:
                self._go(spare)
                self._soon(self._renew_spare(SPARE_AFTER))
            else:
                self._soon(self._restart())

    async def _bury(self, process: Process) -> None:
        await process.close()
        for feed in self.quarantine.died(process.suspects, time.monotonic()):
            log.error("%s crashed the mixer twice: it is left out until it is published anew", feed)
            self.on_quarantine(feed)

    async def _restart(self) -> None:
        """No spare was ready: start one and put it on air, however often it takes."""
        while self._air is None:
            if self._spare is not None:
                spare, self._spare = self._spare, None
                self._go(spare)
            elif len(self._crashes) >= CRASHES:
                self._crashes = []
                await asyncio.sleep(CRASH_PAUSE)
            elif (process := await self._new()) is not None:
                self._go(process)
            else:
                await asyncio.sleep(CRASH_PAUSE)
        await self._renew_spare(SPARE_AFTER)

    async def _renew_spare(self, after: float) -> None:
        await asyncio.sleep(after)
        if self._spare is not None or self._air is None:
            return
        process = await self._new()
        if process is None:
            return
        if self._spare is not None:
            await process.close()
            return
        self._spare = process
        for scene in (self._prepared, self._scene[0] if self._scene else None):
            if scene is not None:
                process.send_json(Word.PREPARE, scene.to_json())

    async def _watch(self) -> None:
        """Kill a process that is alive but sends nothing, unless it is we who are late."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(WATCH)
            now = time.monotonic()
            if now - before > 2 * WATCH:
                self._last_frame = max(self._last_frame, now - WATCH)
            if self._air is not None and now - self._last_frame > STUCK:
                log.error("the mixer %s is stuck: no frame for %.1f s", self._air.pid, now - self._last_frame)
                self._last_frame = now
                self._air.kill()

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- what the process says ---------------------------------------------------------------------------

    def _message(self, process: Process, word: int, body: bytes) -> None:
        if process is not self._air:
            return
        if word == Word.PROGRAMME:
            name, frame = unpack_frame(body)
            if name:
                self.on_rendition(name, frame)
            else:
                self._programme(frame)
        elif word == Word.RETURN:
            self.on_return(*unpack_frame(body))
        elif word == Word.SEGMENT_SOUND:
            self.on_segment_sound(unpack_frame(body)[1])
        elif word == Word.SNAPSHOT:
            self.on_snapshot(int.from_bytes(body[:8], "big"), body[8:])
        elif word == Word.WANT:
            feed = unpack_json(body)
            if feed in self._staged:
                self._staged[feed] = True
                self._ask(feed)
        elif word == Word.SHOWN:
            said = unpack_json(body)
            self.on_shown(said["token"], said["at"])
        elif word == Word.SIGHT:
            self.sights.say(unpack_json(body))
        elif word == Word.STATS:
            self._stats = unpack_json(body)
            self._meter.update(self._stats, time.monotonic())

    def _programme(self, frame: Frame) -> None:
        self._last_frame = time.monotonic()
        if frame.kind is Kind.VIDEO:
            self._next[Kind.VIDEO] = frame.timestamp * self.settings.fps // 90000 + 1
            self._meter.frame()
            if frame.keyframe:
                self._group = []
            if frame.keyframe or 0 < len(self._group) < GROUP:
                self._group.append(frame)
            if self.state != "up":
                self._set_state("up")
        else:
            self._next[Kind.AUDIO] = frame.timestamp // BLOCK + 1
        self.on_frame(frame)

    def _set_state(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self.on_state(state)

    def _ask(self, feed: str) -> None:
        now = time.monotonic()
        if now - self._asked.get(feed, -ASK_AGAIN) >= ASK_AGAIN:
            self._asked[feed] = now
            self.on_keyframe_wanted(feed)


def _nobody(*_: Any) -> None:
    """Nobody listens."""
