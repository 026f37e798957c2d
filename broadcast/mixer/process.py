"""One mixer process as the server sees it. See supervisor.py."""

import asyncio
import logging
import signal
from collections.abc import Callable

from broadcast.child import Child
from broadcast.mixer.blackbox import BlackBox
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.wire import Word

log = logging.getLogger(__name__)

# Exit statuses of a process that its own code, or a library's, has brought down.
FAULTS = frozenset(
    -fault for fault in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
)


class Process(Child):
    """`ready` is set when it may be told to go."""

    def __init__(
        self, on_message: Callable[["Process", int, bytes], None], on_gone: Callable[["Process"], None]
    ) -> None:
        super().__init__("broadcast.mixer", self._said, lambda: on_gone(self))
        self._on_word = on_message
        self._box = BlackBox()
        self.suspects: frozenset[str] = frozenset()  # feeds that were being decoded when it crashed

    async def begin(self, settings: ProgrammeSettings) -> None:
        """Start it, and say how the programme is made. Raises OSError."""
        await self.start(self._box.fileno())
        self.send_json(Word.SETTINGS, settings.to_json())

    async def settle(self, patience: float) -> bool:
        """Wait until it is ready; where it does not get so in `patience` seconds, it is ended: False."""
        events = [asyncio.ensure_future(event.wait()) for event in (self.ready, self.gone)]
        try:
            await asyncio.wait(events, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            self.kill()
            await self.close()
            raise
        finally:
            for event in events:
                event.cancel()
        if self.ready.is_set() and not self.gone.is_set():
            return True
        log.error("mixer process %s did not get ready", self.pid)
        self.kill()
        await self.close()
        return False

    async def close(self) -> None:
        """End it: the closed socket asks it to, and after a while it is made to. Then `suspects` is known."""
        await super().close()
        if self.status in FAULTS:
            self.suspects |= self._box.inside()
        self._box.close()

    def _said(self, word: int, body: bytes) -> None:
        if word == Word.READY:
            self.ready.set()
        self._on_word(self, word, body)
