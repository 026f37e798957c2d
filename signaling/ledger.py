"""Said, then done: what has happened is in the journal before it acts, and surely before it is answered.

A busy disk holds up the answers, for no acknowledged command may ever be lost; but it may not hold up the
show. So the desk waits `PATIENCE` for a write and then goes on, and each answer waits for the write of what
it answers. Only a journal that refuses, or is silent for `SILENCE`, is told to the producers.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from signaling.answers import Answer
from signaling.journal import Journal, JournalError
from signaling.records import Record

PATIENCE = 0.5  # seconds that the show waits for a disk
SILENCE = 5.0  # ... after which the producers should know
UNSAVED = {
    "code": "not_saved",
    "message": "It was carried out, but the journal cannot be written: a crash would lose it.",
}

log = logging.getLogger(__name__)

_Write: TypeAlias = "asyncio.Task[None]"


class Ledger:
    """Writes records, and hands back each answer once what it answers is safe.

    `wake` is called when a late write has ended; `warn` with what the producers must know. Bounded by the
    journal, which refuses further writes when too many wait.
    """

    def __init__(self, journal: Journal, wake: Callable[[], None], warn: Callable[[str, str], None]) -> None:
        self._journal = journal
        self._wake = wake
        self._warn = warn
        self._writing: _Write | None = None
        self._waited: deque[tuple[_Write, float]] = deque()  # writes, and since when; the oldest first
        self._owed: deque[tuple[_Write | None, Answer]] = deque()
        self.well = True

    async def write(self, records: Sequence[Record], mono: float) -> None:
        """Write these; return when they are committed, or the show cannot wait any longer."""
        before = self._writing
        stuck = before is not None and not before.done()
        self._writing = asyncio.create_task(self._journal.append(records), name="journal append")
        self._writing.add_done_callback(self._ended)
        self._waited.append((self._writing, mono))
        await asyncio.wait({self._writing}, timeout=0 if stuck else PATIENCE)

    def look(self, mono: float) -> None:
        """Call in each turn: a write that never ends is a failure as well."""
        while self._waited and self._waited[0][0].done():
            self._waited.popleft()
        if self._waited and mono - self._waited[0][1] >= SILENCE:
            self._judge(JournalError("the disk does not answer"))

    def owe(self, answers: Iterable[Answer]) -> None:
        """These are answers to what was written last, or before."""
        self._owed.extend((self._writing, answer) for answer in answers)

    def due(self) -> list[Answer]:
        """The answers that may be given now, in order."""
        answers = []
        while self._owed and (self._owed[0][0] is None or self._owed[0][0].done()):
            write, answer = self._owed.popleft()
            failed = write is not None and (write.cancelled() or write.exception() is not None)
            answers.append(replace(answer, error=UNSAVED) if failed and answer.error is None else answer)
        return answers

    def _ended(self, write: _Write) -> None:
        if not write.cancelled():
            error = write.exception()
            self._judge(error)
        self._wake()

    def _judge(self, error: BaseException | None) -> None:
        if error is not None and self.well:
            log.error("the journal fails, the show goes on without it: %s", error)
            message = "The journal cannot be written: a crash would lose what happens from now on."
            self._warn("journal_failed", message)
        elif error is None and not self.well:
            log.info("the journal is written again")
        self.well = error is None
