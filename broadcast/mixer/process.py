"""One mixer process as the server sees it. See supervisor.py."""

import signal
from collections.abc import Callable

from broadcast.child import Child
from broadcast.mixer.blackbox import BlackBox
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.wire import Word

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
