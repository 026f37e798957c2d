"""The mixer's process: reads commands and frames, keeps the two ticks, writes the programme.

Threads: the main one reads the pipe; one ticks pictures, one ticks sound, one draws, and each source
decodes in its own. FFmpeg and numpy release the interpreter's lock, so they run side by side.
"""

import gc
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import av

from broadcast import priority
from broadcast.errors import MediaError
from broadcast.mixer.artist import Artist
from broadcast.mixer.blackbox import BlackBox
from broadcast.mixer.decoder import VideoDecoder
from broadcast.mixer.director import Director
from broadcast.mixer.ears import Ears
from broadcast.mixer.encoder import SegmentSoundEncoder, SoundEncoder
from broadcast.mixer.heap import keep_small
from broadcast.mixer.loudness import Level
from broadcast.mixer.mixdown import LEAVES, Mixdown
from broadcast.mixer.rendition import Encoding
from broadcast.mixer.returns import returns_from_json
from broadcast.mixer.scene import Scene
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.snapshot import Snapshots
from broadcast.mixer.sound import BLOCK, RATE
from broadcast.mixer.source import Source
from broadcast.mixer.ticks import EARLY, Ticks
from broadcast.mixer.wire import Word
from broadcast.pipe import Pieces, pack, pack_frame, pack_json, unpack_frame, unpack_json
from broadcast.rtp.frame import Codec, Frame

log = logging.getLogger(__name__)

READ = 1 << 18  # octets of one read
SWITCH = 0.0005  # seconds after which a thread must hand over the interpreter's lock
JOIN = 1.0  # seconds for a thread to end
KNOWN = 500  # feeds whose loudness is remembered; of more, it is measured anew
HELD_FRAMES = 90  # frames of the programme so far, to find its last picture


class Worker:
    """One mixer. `run` returns when the server closes the pipe."""

    def __init__(self, pipe: socket.socket, box: BlackBox) -> None:
        self._pipe = pipe
        self._box = box
        self._writing = threading.Lock()
        self._closing = threading.Event()
        self._staging = threading.Lock()
        self._sources: dict[str, Source] = {}  # replaced as a whole, so ticks need no lock
        self._threads: list[threading.Thread] = []
        self._renditions: list[Encoding] = []
        self._held: list[Frame] = []
        self._picture_late = 0.0
        self._frames = 0
        self._early = 0  # of them begun before they were due
        self._known: dict[str, float] = {}  # loudness of feeds that were staged before
        self.settings: ProgrammeSettings
        self.artist: Artist
        self.director: Director

    def run(self) -> None:
        """Serve until the pipe is closed."""
        pieces = Pieces()
        try:
            while data := self._pipe.recv(READ):
                for word, body in pieces.feed(data):
                    self._handle(word, body)
        except OSError as error:
            log.debug("the server has gone: %s", error)
        self._close()

    # -- commands --------------------------------------------------------------------------------------------

    def _handle(self, word: int, body: bytes) -> None:
        if word == Word.FRAME:
            feed, frame = unpack_frame(body)
            source = self._ears.voices.get(feed) or self._sources.get(feed)
            if source is not None:
                source.push(frame)
        elif word == Word.HOLD:
            if len(self._held) < HELD_FRAMES:
                self._held.append(unpack_frame(body)[1])
        elif word == Word.KEYFRAME:
            for rendition in self._renditions:
                if rendition.name == body.decode(errors="replace"):
                    rendition.force = True
        else:
            self._command(word, unpack_json(body))

    def _command(self, word: int, data: Any) -> None:
        if word == Word.SETTINGS:
            self._prepare(ProgrammeSettings.from_json(data))
        elif word == Word.STAGE:
            self._stage(data)
        elif word == Word.PREPARE:
            self.artist.draw(Scene.from_json(data))
        elif word == Word.SHOW:
            self.director.show(
                Scene.from_json(data["scene"]), data["token"], data["transition"] == "dissolve"
            )
        elif word == Word.LEVELS:
            self._known.update(data)
        elif word == Word.RETURNS:
            self._ears.say(returns_from_json(data))
        elif word == Word.GO:
            self._go(data["epoch"], data["picture"], data["sound"])

    def _prepare(self, settings: ProgrammeSettings) -> None:
        """Everything that takes time, so that GO takes none."""
        self.settings = settings
        sys.setswitchinterval(SWITCH)
        self.artist = Artist(settings)
        self.director = Director(settings, self.artist)
        self._renditions = [Encoding("", settings, settings)]
        self._renditions += [
            Encoding(each.name, settings.smaller(each), settings) for each in settings.renditions
        ]
        self._audio = SoundEncoder(settings.audio_kbps)
        self._aac = SegmentSoundEncoder(settings.segment_audio_kbps) if settings.segment_audio_kbps else None
        self._mixdown = Mixdown(settings)
        self._ears = Ears(settings, self._source)
        self._snapshots = Snapshots(settings.snapshot_seconds, self._send_snapshot)
        self.director.warm_up()
        gc.collect()
        gc.freeze()
        gc.disable()  # collected once a second, between two ticks
        priority.on_time(priority.PASSING)
        self._send(pack_json(Word.READY, {}))

    def _stage(self, feeds: list[str]) -> None:
        old = self._sources
        self._sources = {feed: old.get(feed) or self._source(feed) for feed in feeds}
        for feed in old.keys() - self._sources.keys():
            old[feed].close()
            level = old[feed].level
            if level is not None and level.lufs is not None and len(self._known) < KNOWN:
                self._known[feed] = level.lufs

    def _go(self, epoch: float, picture: int, sound: int) -> None:
        self.director.hold(_last_picture(self._held))
        self._held = []
        for name, target in (
            ("pictures", lambda: self._picture_tick(epoch, picture)),
            ("sound", lambda: self._sound_tick(epoch, sound)),
            ("memory", lambda: keep_small(self._closing)),
        ):
            thread = threading.Thread(target=self._guard, args=(target,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _source(self, feed: str) -> Source:
        settings = self.settings
        known = self._known.get(feed)
        level = Level(settings.target_lufs, settings.max_gain_db, known) if settings.automatic else None
        return Source(feed, self._want, 0.5 / settings.fps, self._box.seat(feed), level)

    def _want(self, feed: str) -> None:
        self._send(pack_json(Word.WANT, feed))

    def _send_snapshot(self, second: int, jpeg: bytes) -> None:
        self._send(pack(Word.SNAPSHOT, second.to_bytes(8, "big") + jpeg))

    def _send(self, message: bytes) -> None:
        with self._writing:
            self._pipe.sendall(message)

    # -- ticks -----------------------------------------------------------------------------------------------

    def _guard(self, target: Callable[[], None]) -> None:
        """A tick that fails ends the process: the server then puts the spare on air."""
        try:
            target()
        except BrokenPipeError:
            log.debug("the server has gone")
        except Exception:
            log.exception("a tick failed")
        finally:
            self._closing.set()
            self._shut()

    def _picture_tick(self, epoch: float, first: int) -> None:
        priority.on_time(priority.BEAT)
        fps = self.settings.fps
        ticks = Ticks(epoch, 1 / fps, first)
        while (tick := ticks.wait(self._closing, self.director.changing)) is not None:
            at = epoch + tick / fps
            frame, token = self.director.paint(at, self._sources, repeat=ticks.late > 1.5 / fps)
            cut = token is not None and self.director.cut
            # Keyframes first: who changes to a rendition must not have had this tick of another one.
            for rendition in sorted(self._renditions, key=lambda each: not each.decide(tick, cut)):
                data, is_key = rendition.encode(frame, tick)
                programme = Frame(Codec.H264, data, tick * 90000 // fps, at, is_key)
                self._send(pack_frame(Word.PROGRAMME, programme, rendition.name))
            if token is not None:
                self._send(pack_json(Word.SHOWN, {"token": token, "at": time.monotonic()}))
            self._send(pack_json(Word.SIGHT, {feed: s.age for feed, s in self._sources.items()}))
            self._snapshots.take(frame, at - time.monotonic() + time.time())
            self._frames += 1
            self._early += ticks.late < -EARLY / 2
            self._picture_late = max(self._picture_late, ticks.late)
            if tick % fps == fps // 2:
                self._report()

    def _sound_tick(self, epoch: float, first: int) -> None:
        priority.on_time(priority.BEAT)
        ticks = Ticks(epoch, BLOCK / RATE, first, LEAVES)
        while (number := ticks.wait(self._closing)) is not None:
            at = epoch + number * BLOCK / RATE
            gains, dissolving = self.director.gains()
            ramp = self.settings.dissolve_seconds if dissolving else 0.0
            block = self._mixdown.block(at, self._sources, gains, ramp)
            data = self._audio.encode(block, number)
            self._send(pack_frame(Word.PROGRAMME, Frame(Codec.OPUS, data, number * BLOCK, at)))
            for person, data in self._ears.packets(at, number, self._mixdown.parts):
                self._send(pack_frame(Word.RETURN, Frame(Codec.OPUS, data, number * BLOCK, at), person))
            for first, data in self._aac.encode(block, number) if self._aac else ():
                sound = Frame(Codec.AAC, data, first, epoch + first / RATE)
                self._send(pack_frame(Word.SEGMENT_SOUND, sound))

    def _report(self) -> None:
        sources = {
            feed: {
                "decoded": s.decoded,
                "failed": s.failed,
                "delay_ms": round(s.delay.value * 1000, 1),
                "lufs": s.level.lufs if s.level else None,
                "gain_db": round(s.goal, 1),
                "sound": s.counted,
            }
            for feed, s in self._sources.items()
        }
        self._send(
            pack_json(
                Word.STATS,
                {
                    "frames": self._frames,
                    "early": self._early,
                    "late_ms": round(self._picture_late * 1000, 1),
                    "cpu_seconds": time.process_time(),
                    "sources": sources,
                },
            )
        )
        self._picture_late = 0.0
        gc.collect(1)

    # -- the end ---------------------------------------------------------------------------------------------

    def _shut(self) -> None:
        try:
            self._pipe.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            log.debug("already closed: %s", error)

    def _close(self) -> None:
        self._closing.set()
        sources = list(self._sources.values())
        if hasattr(self, "_ears"):
            sources += self._ears.voices.values()
        for source in sources:
            source.close()
        for thread in self._threads:
            thread.join(JOIN)
        for source in sources:
            source.join(JOIN)
        if hasattr(self, "artist"):
            self.artist.close(JOIN)
        if hasattr(self, "_snapshots"):
            self._snapshots.close(JOIN)
        self._pipe.close()


def _last_picture(frames: list[Frame]) -> av.VideoFrame | None:
    """The last picture of these frames of the programme."""
    decoder = VideoDecoder()
    last = None
    for frame in frames:
        try:
            last = decoder.decode(frame) or last
        except MediaError as error:
            log.info("the programme so far: %s", error)
            break
    return last
