"""The ledger: which write it is that keeps the show waiting, and when the producers hear of it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from signaling.journal import Journal
from signaling.ledger import SILENCE, Ledger
from signaling.records import Record


class Held(Journal):
    """Each write ends when its event is set."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.ends: list[asyncio.Event] = []

    async def append(self, records: Sequence[Record]) -> None:
        self.ends.append(asyncio.Event())
        await self.ends[-1].wait()


async def test_a_write_is_judged_by_its_own_wait(tmp_path: Path) -> None:
    """One that began while another hung is not late because that one was."""
    warned: list[str] = []
    woken = asyncio.Event()
    journal = Held(tmp_path / "journal.sqlite")
    ledger = Ledger(journal, woken.set, lambda code, message: warned.append(code))
    await ledger.write([], 0.0)
    ledger.look(SILENCE - 1)
    assert not warned
    await ledger.write([], SILENCE - 1)
    ledger.look(SILENCE)
    assert warned == ["journal_failed"]
    journal.ends[0].set()
    await woken.wait()
    ledger.look(SILENCE + 1)
    assert ledger.well
    assert len(warned) == 1
    ledger.look(2 * SILENCE)
    assert len(warned) == 2
    woken.clear()
    journal.ends[1].set()
    await woken.wait()
    assert ledger.well
