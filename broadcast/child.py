"""A child process of the server as the server sees it: started, spoken to over a socket, ended.

Its module is run with the number of its socket as argument, and ends when that is closed.
"""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, cast

from broadcast.errors import MalformedError
from broadcast.pipe import Pieces, pack, pack_frame, pack_json
from broadcast.rtp.frame import Frame

log = logging.getLogger(__name__)

SOCKET_BUFFER = 4 << 20  # octets: a keyframe is up to 200 KB, and the kernel's default is as much
WAITING = 4 << 20  # octets not yet taken by the process; beyond, frames are refused
END_TIMEOUT = 3.0  # seconds that the process has to end by itself
# glibc gives each thread a heap of its own and keeps there what was freed (mallopt(3)). The mixer decodes
# each source in a thread: after busy moments one heap after the other would keep the room of many pictures.
HEAP = MappingProxyType({"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(1 << 18)})


class Child(asyncio.Protocol):
    """Calls `on_message` for every message and `on_gone` once, when the process has closed its socket."""

    def __init__(
        self, module: str, on_message: Callable[[int, bytes], None], on_gone: Callable[[], None]
    ) -> None:
        self._module = module
        self._on_message = on_message
        self._on_gone = on_gone
        self._splitter = Pieces()
        self._transport: asyncio.Transport | None = None
        self._process: asyncio.subprocess.Process | None = None
        self.ready = asyncio.Event()
        self.gone = asyncio.Event()

    async def start(self, *descriptors: int) -> None:
        """Start the process; it inherits these files, whose numbers are its further arguments. Setting
        `ready` is for who reads its messages. Raises OSError."""
        mine, its = socket.socketpair()
        try:
            for end in (mine, its):
                for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                    _enlarge(end, option)
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._module,
                str(its.fileno()),
                *map(str, descriptors),
                pass_fds=(its.fileno(), *descriptors),
                env={**HEAP, **os.environ},
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

    @property
    def status(self) -> int | None:
        """How it ended, once it has."""
        return self._process.returncode if self._process else None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def send_json(self, word: int, data: Any) -> None:
        """Say something; lost when the process has gone."""
        self._write(pack_json(word, data))

    def send(self, word: int, body: bytes = b"") -> None:
        """Say a word with a plain body."""
        self._write(pack(word, body))

    def send_frame(self, word: int, frame: Frame, feed: str = "") -> bool:
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
        """End it: the closed socket asks it to, and after a while it is made to."""
        if self._transport is not None:
            self._transport.abort()
        if self._process is None:
            return
        try:
            await asyncio.wait_for(self._process.wait(), END_TIMEOUT)
        except TimeoutError:
            log.warning("process %d of %s did not end by itself", self._process.pid, self._module)
            self.kill()
            await self._process.wait()

    # -- asyncio.Protocol --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, not a check: uvloop's transports do not descend from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=2 * WAITING)

    def data_received(self, data: bytes) -> None:
        try:
            for word, body in self._splitter.feed(data):
                self._on_message(word, body)
        except MalformedError as error:
            log.error("process %s of %s: %s", self.pid, self._module, error)
            self.kill()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self.gone.set()
        self._on_gone()

    def _write(self, message: bytes) -> None:
        if self._transport is not None:
            self._transport.write(message)


def _enlarge(end: socket.socket, option: int) -> None:
    """As much buffer as asked for where permitted (SO_SNDBUFFORCE is 32, SO_RCVBUFFORCE is 33)."""
    try:
        end.setsockopt(socket.SOL_SOCKET, {socket.SO_SNDBUF: 32, socket.SO_RCVBUF: 33}[option], SOCKET_BUFFER)
    except OSError:
        end.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
