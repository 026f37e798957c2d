"""One mixer process as the server sees it: started, spoken to over a socket, ended. See supervisor.py."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, cast

from broadcast.errors import MalformedError
from broadcast.mixer.blackbox import BlackBox
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.wire import Splitter, Word, pack, pack_frame, pack_json
from broadcast.rtp.frame import Frame

log = logging.getLogger(__name__)

SOCKET_BUFFER = 4 << 20  # octets: a keyframe is up to 200 KB, and the kernel's default is as much
WAITING = 4 << 20  # octets not yet taken by the process; beyond, frames are refused
END_TIMEOUT = 3.0  # seconds that the process has to end by itself
# Exit statuses of a process that its own code, or a library's, has brought down.
FAULTS = frozenset(
    -fault for fault in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
)


class Process(asyncio.Protocol):
    """Calls `on_message` for every message and `on_gone` once, when the process has closed its socket."""

    def __init__(
        self, on_message: Callable[["Process", Word, bytes], None], on_gone: Callable[["Process"], None]
    ):
        self._on_message = on_message
        self._on_gone = on_gone
        self._splitter = Splitter()
        self._transport: asyncio.Transport | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._box = BlackBox()
        self.suspects: frozenset[str] = frozenset()  # feeds that were being decoded when it crashed
        self.ready = asyncio.Event()
        self.gone = asyncio.Event()

    async def start(self, settings: ProgrammeSettings) -> None:
        """Start the process; `ready` is set when it may be told to go. Raises OSError."""
        mine, its = socket.socketpair()
        try:
            for end in (mine, its):
                for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                    _enlarge(end, option)
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "broadcast.mixer",
                str(its.fileno()),
                str(self._box.fileno()),
                pass_fds=(its.fileno(), self._box.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # its own priority, and no Ctrl-C from the terminal
            )
        except BaseException:
            mine.close()
            raise
        finally:
            its.close()
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self, sock=mine)
        self.send_json(Word.SETTINGS, settings.to_json())

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def send_json(self, word: Word, data: Any) -> None:
        """Say something; lost when the process has gone."""
        self._write(pack_json(word, data))

    def send(self, word: Word, body: bytes = b"") -> None:
        """Say a word with a plain body."""
        self._write(pack(word, body))

    def send_frame(self, word: Word, frame: Frame, feed: str = "") -> bool:
        """Hand over a frame; False when too much waits already, and the frame is dropped."""
        if self._transport is None or self._transport.get_write_buffer_size() > WAITING:
            return False
        self._write(pack_frame(word, frame, feed))
        return True

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def close(self) -> None:
        """End it: the closed socket asks it to, and after a while it is made to. Then `suspects` is known."""
        if self._transport is not None:
            self._transport.abort()
        if self._process is None:
            return
        try:
            await asyncio.wait_for(self._process.wait(), END_TIMEOUT)
        except TimeoutError:
            log.warning("mixer process %d did not end by itself", self._process.pid)
            self.kill()
            await self._process.wait()
        if self._process.returncode in FAULTS:
            self.suspects |= self._box.inside()
        self._box.close()

    # -- asyncio.Protocol --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, not a check: uvloop's transports do not descend from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=2 * WAITING)

    def data_received(self, data: bytes) -> None:
        try:
            for word, body in self._splitter.feed(data):
                if word is Word.READY:
                    self.ready.set()
                self._on_message(self, word, body)
        except MalformedError as error:
            log.error("mixer process %s: %s", self.pid, error)
            self.kill()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self.gone.set()
        self._on_gone(self)

    def _write(self, message: bytes) -> None:
        if self._transport is not None:
            self._transport.write(message)


def _enlarge(end: socket.socket, option: int) -> None:
    """As much buffer as asked for where permitted (SO_SNDBUFFORCE is 32, SO_RCVBUFFORCE is 33)."""
    try:
        end.setsockopt(socket.SOL_SOCKET, {socket.SO_SNDBUF: 32, socket.SO_RCVBUF: 33}[option], SOCKET_BUFFER)
    except OSError:
        end.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
