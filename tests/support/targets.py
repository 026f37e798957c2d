"""Targets for the programme in tests: listeners by ffmpeg, proxies that hang, and a programme to send."""

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from broadcast.mixer.encoder import SegmentSoundEncoder, VideoEncoder
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.sound import BLOCK
from broadcast.rtp.frame import Codec, Frame, Kind

FPS = 30
GROUP = 16  # pictures from one keyframe to the next: half a second
PERIOD = 64  # pictures after which the programme repeats itself: a whole number of AAC frames


def programme() -> list[Frame]:
    """Two seconds of pictures and a tone, in order, that can be repeated without a seam."""
    settings = ProgrammeSettings(width=320, height=180, fps=FPS, video_kbps=500, vbv_kbit=250)
    pictures, sounds = VideoEncoder(settings), SegmentSoundEncoder(96)
    frames = []
    for tick in range(PERIOD):
        picture = av.VideoFrame(settings.width, settings.height, "yuv420p")
        for plane in picture.planes:
            plane.update(bytes([64 + 2 * tick]) * plane.buffer_size)
        data, keyframe = pictures.encode(picture, tick, tick % GROUP == 0)
        frames.append(Frame(Codec.H264, data, tick * 90000 // FPS, tick / FPS, keyframe))
    for number in range(PERIOD * 50 // FPS + 5):
        times = (np.arange(BLOCK) + number * BLOCK) / 48000
        wave = (0.3 * np.sin(2 * np.pi * 500 * times)).astype(np.float32)
        for first, data in sounds.encode(np.stack((wave, wave)), number):
            if first < PERIOD * 48000 // FPS:
                frames.append(Frame(Codec.AAC, data, first, first / 48000))
    return sorted(frames, key=lambda frame: (frame.captured, frame.kind is Kind.AUDIO))


async def play(frames: list[Frame], send: Callable[[Frame], None]) -> None:
    """The programme in real time, over and over, until cancelled."""
    loop = asyncio.get_running_loop()
    begun, period = loop.time(), PERIOD / FPS
    turn = 0
    while True:
        for frame in frames:
            await asyncio.sleep(begun + turn * period + frame.captured - loop.time())
            later = round(turn * period * frame.codec.clock_rate)
            send(Frame(frame.codec, frame.data, frame.timestamp + later, frame.captured, frame.keyframe))
        turn += 1


class Listener:
    """An ffmpeg that waits at an address for one publisher and writes what comes to a file."""

    def __init__(self, url: str, path: Path) -> None:
        program = shutil.which("ffmpeg")
        assert program is not None, "say: apt-get install ffmpeg"
        self.path = path
        options = ["-listen", "1", "-f", "flv"] if url.startswith("rtmp") else []
        self._process = subprocess.Popen(
            [program, "-loglevel", "error", *options, "-i", url, "-c", "copy", "-y", path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """End it at once, as a machine that dies. Idempotent."""
        self._process.kill()
        self._process.wait()

    def ended(self) -> None:
        """Wait until it has written what it got from a publisher that said goodbye."""
        self._process.wait(30)


class Seen:
    """What is in a file that a listener has written; times in seconds."""

    def __init__(self, path: Path) -> None:
        self.codecs: dict[str, str] = {}
        self.begins_whole: bool | None = None
        self.pictures: list[float] = []
        self.sounds: list[float] = []
        with av.open(str(path)) as container:
            for packet in container.demux():
                if packet.dts is None:
                    continue
                kind = packet.stream.type
                self.codecs[kind] = packet.stream.codec_context.name
                (self.pictures if kind == "video" else self.sounds).append(
                    float(packet.dts * packet.time_base)
                )
                if kind == "video" and self.begins_whole is None:
                    self.begins_whole = packet.is_keyframe

    def longest_step(self) -> tuple[float, float]:
        """The longest step between two pictures, and between two frames of sound; seconds."""
        steps = [
            max((after - before for before, after in pairwise(times)), default=0.0)
            for times in (self.pictures, self.sounds)
        ]
        return steps[0], steps[1]


class Proxy:
    """A TCP proxy that can stop to read, as a server that hangs; with `tls`, RTMPS in front of RTMP."""

    def __init__(self, port: int) -> None:
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def open(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
        """The port that it listens on."""
        door = socket.create_server(("127.0.0.1", 0))
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)  # so that little is taken once it hangs
        server = await asyncio.start_server(self._serve, sock=door, ssl=tls, limit=4096)
        try:
            yield door.getsockname()[1]
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio runs each connection in a task"
        self._tasks.add(task)
        try:
            there, away = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                await asyncio.gather(self._pump(reader, away), self._pump(there, writer))
            finally:
                away.close()
        except (OSError, asyncio.CancelledError):
            pass  # nobody is behind the proxy, or has left; or the test is over
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await self.flowing.wait()
            data = await reader.read(4096)
            if not data:
                raise ConnectionResetError
            writer.write(data)
            await writer.drain()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context with a certificate of its own for localhost, and the file that trusts it."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context, cert
