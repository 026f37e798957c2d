"""A target's process as the server sees it: started, spoken to by pipes, ended. See outlet.py."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import cast

from broadcast.errors import MalformedError
from broadcast.pipe import Pieces

log = logging.getLogger(__name__)

END_SECONDS = 2.0  # that the process has to say goodbye to its target


class Child(asyncio.SubprocessProtocol):
    """Calls `on_message` for each message of the process, and `on_gone` once, when it has ended.

    Pipes hold little, unlike the sockets of broadcast/child.py: what a target has not taken waits here, and
    is seen.
    """

    def __init__(self, on_message: Callable[[int, bytes], None], on_gone: Callable[["Child"], None]) -> None:
        self._on_message = on_message
        self._on_gone = on_gone
        self._process: asyncio.SubprocessTransport | None = None
        self._input: asyncio.WriteTransport | None = None
        self._pieces = Pieces()
        self.gone = asyncio.Event()

    async def start(self) -> None:
        """Start the process. Raises OSError."""
        await asyncio.get_running_loop().subprocess_exec(
            lambda: self,
            sys.executable,
            "-m",
            "broadcast.outputs.restream",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries may write addresses there, and in addresses there are keys
            start_new_session=True,  # no Ctrl-C from the terminal
        )

    @property
    def waiting(self) -> int:
        """Octets that it has not taken yet."""
        return self._input.get_write_buffer_size() if self._input is not None else 0

    def send(self, data: bytes) -> None:
        """Say something; lost when it has gone. The caller looks at `waiting`."""
        if self._input is not None and not self._input.is_closing():
            self._input.write(data)

    def kill(self) -> None:
        """End it at once. Idempotent."""
        if self._process is not None and not self.gone.is_set():
            self._process.kill()

    async def close(self) -> None:
        """Let it say goodbye, and end it when that takes long. Idempotent."""
        if self._process is None:
            return
        if self._input is not None:
            self._input.close() if not self.waiting else self.kill()
        try:
            await asyncio.wait_for(self.gone.wait(), END_SECONDS)
        except TimeoutError:
            self.kill()
            await self.gone.wait()

    # -- asyncio.SubprocessProtocol ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Casts, not checks: uvloop's transports do not descend from asyncio's.
        self._process = cast(asyncio.SubprocessTransport, transport)
        self._input = cast(asyncio.WriteTransport, self._process.get_pipe_transport(0))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        try:
            for word, body in self._pieces.feed(data):
                self._on_message(word, body)
        except MalformedError as error:
            log.error("a target's process: %s", error)
            self.kill()

    def pipe_connection_lost(self, fd: int, error: Exception | None) -> None:
        if fd == 0:
            self._input = None

    def connection_lost(self, error: Exception | None) -> None:
        self.gone.set()
        self._on_gone(self)
