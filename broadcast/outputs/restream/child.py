"""A target's process as the server sees it: started, spoken to by pipes, ended. See outlet.py."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any, cast

log = logging.getLogger(__name__)

END_SECONDS = 2.0  # that the process has to say goodbye to its target
LONGEST_LINE = 4096  # octets that it may say without a line's end


class Child(asyncio.SubprocessProtocol):
    """Calls `on_said` with each object that the process says, and `on_gone` once, when it has ended."""

    def __init__(self, on_said: Callable[[dict[str, Any]], None], on_gone: Callable[["Child"], None]) -> None:
        self._on_said = on_said
        self._on_gone = on_gone
        self._process: asyncio.SubprocessTransport | None = None
        self._input: asyncio.WriteTransport | None = None
        self._heard = b""
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
        *lines, self._heard = (self._heard + data).split(b"\n")
        if len(self._heard) > LONGEST_LINE:
            self.kill()
        for line in lines:
            try:
                said = json.loads(line)
            except ValueError:
                said = None
            if isinstance(said, dict):
                self._on_said(said)

    def pipe_connection_lost(self, fd: int, error: Exception | None) -> None:
        if fd == 0:
            self._input = None

    def connection_lost(self, error: Exception | None) -> None:
        self.gone.set()
        self._on_gone(self)
