"""The desk when something fails: feeds, the mixer, the journal, the server itself."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from signaling.journal import Journal, JournalError
from signaling.records import Record
from tests.signaling.house import House, until
from tests.signaling.stagehand import EVENT


async def test_dead_feed_and_back(house: House) -> None:
    """The talk whose every picture stops is a slate at once, and comes back by itself."""
    producer = house.line("ping", "producer")
    await house.on_air(producer, "two")
    await house.pass_time(0.05)
    house.stage.fresh.discard("lanvin.slides")
    for _ in range(5):
        await house.pass_time(0.05)
    assert producer.state["air"]["talk"] == "two", "one picture is left"
    house.stage.fresh.clear()
    for _ in range(3):
        await house.pass_time(0.05)
    await until(lambda: producer.state["air"]["kind"] == "slate")
    assert producer.state["air"]["held"] == "two"
    assert producer.state["air"]["returns"]
    assert producer.state["problem"]["code"] == "feed_dead"
    assert house.stage.shown[-1][1] is None
    assert "two" in house.stage.staged[-1], "it stays decoded, to be back at once"
    house.stage.fresh.add("lanvin")
    for _ in range(8):
        await house.pass_time(0.05)
    await until(lambda: producer.state["air"]["talk"] == "two")
    assert producer.state["problem"] is None
    assert house.stage.shown[-1][1] == "two"


async def test_a_fault_in_telling_ends_nothing(house: House) -> None:
    """It is counted, and the show goes on."""
    producer, broken = house.line("ping", "producer"), house.line("pia", "producer")
    await until(lambda: broken.state)

    def send(text: str) -> None:
        raise RuntimeError("out of paper")

    broken.send = send  # type: ignore[method-assign]
    broken.say({"type": "cue", "id": "c", "talk": "film"})
    await until(lambda: house.desk.stats()["faults"])
    assert await producer.command("cue", "d", talk=None) == "done"
    assert house.desk.well
    broken.send = lambda text: None  # type: ignore[method-assign]


async def test_a_desk_that_dies_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing can be done without it, so it is no longer well and the log says why."""
    assert house.desk.well
    monkeypatch.setattr(house.desk._show, "collect", lambda: 1 / 0)
    house.desk.mixer_state("up")
    await until(lambda: not house.desk.well)
    await until(lambda: "the desk has died" in caplog.text)


async def test_mixer_that_never_answers(house: House) -> None:
    """A take that the mixer does not confirm is aborted in time, and what was on air is shown again."""
    producer = house.line("ping", "producer")
    await house.on_air(producer, "film")
    house.stage.fresh.add("thony")
    producer.say({"type": "take", "id": "t", "talk": "one", "force": True})
    await until(lambda: house.stage.shown[-1][1] == "one")
    await house.pass_time(1.9)
    assert producer.answer("t") is None
    await house.pass_time(0.2)
    await until(lambda: producer.answer("t"))
    assert producer.answer("t")["error"]["code"] == "mixer_late"
    assert house.stage.shown[-1][1] == "film"
    await until(lambda: producer.state["problem"])
    assert producer.state["air"]["talk"] == "film"
    assert producer.state["hand_off"] is None
    house.stage.up = False
    assert await producer.command("take", "u", talk="one", force=True) == "mixer_down"


async def test_restart_in_the_middle(tmp_path: Path) -> None:
    """After a restart the same talk is on air, readiness and clocks stay, and revisions go on growing."""
    house = House(tmp_path)
    await house.desk.start()
    producer, thony = house.line("ping", "producer"), house.line("thony", "speaker")
    await house.on_air(producer, "film")
    assert await thony.command("ready", "r", ready=True) == "done"
    assert await producer.command("cue", "c", talk="one") == "done"
    await house.rest()
    before = producer.state
    await house.desk.stop()
    assert producer.heard[-1]["code"] == thony.heard[-1]["code"] == "shutdown"

    house = House(tmp_path)
    await house.desk.start()
    try:
        assert house.stage.shown[-1][1] == "film"
        assert house.stage.staged[-1] == ("film", "one")
        producer = house.line("ping", "producer")
        await until(lambda: producer.state)
        after = producer.state
        assert after["air"] == before["air"]
        assert after["talks"] == before["talks"]
        assert after["revision"] > before["revision"]
        assert producer.person("thony")["state"] == "absent"
        house.line("thony", "speaker")
        await until(lambda: producer.person("thony")["state"] == "standby")
        assert await producer.command("cue", "c", talk="one") == "done"
        assert await producer.command("cue", "d", talk=None) == "done"
        await until(lambda: producer.person("thony")["state"] == "ready")
    finally:
        await house.desk.stop()


@pytest.fixture
def patient_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for a locked database for longer than a test lasts."""
    monkeypatch.setattr("signaling.journal.BUSY_SECONDS", 60.0)


async def test_a_busy_disk_holds_up_the_answer_alone(patient_journal: None, house: House) -> None:
    """While the journal cannot be written the show goes on; what might be lost is not acknowledged."""
    producer = house.line("ping", "producer")
    await house.rest()
    database = house.path / "journal.sqlite"
    blocker = sqlite3.connect(database, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    try:
        producer.say({"type": "cue", "id": "c", "talk": "one"})
        await until(lambda: producer.state["standby"] == "one")
        assert producer.answer("c") is None
        assert producer.state["problem"] is None, "a busy disk is not a failed journal"
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    await until(lambda: producer.answer("c") == {"type": "done", "id": "c"})
    await house.desk.stop()
    records = await (journal := Journal(database)).open(EVENT.id)
    await journal.close()
    assert "c" in {record.id for record in records}


class BrokenJournal(Journal):
    """Its disk refuses, or does not answer at all."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.fails: str = ""
        self.answers = asyncio.Event()

    async def append(self, records: Sequence[Record]) -> None:
        if self.fails == "silent":
            await self.answers.wait()
        elif self.fails:
            raise JournalError("no space left")
        await super().append(records)


async def test_the_show_goes_on_without_a_journal(tmp_path: Path) -> None:
    """When the journal refuses or is silent the show goes on, the producers are warned, and nothing is
    acknowledged as if it were safe."""
    journal = BrokenJournal(tmp_path / "journal.sqlite")
    house = House(tmp_path, journal)
    await house.desk.start()
    try:
        producer = house.line("ping", "producer")
        await house.rest()
        journal.fails = "refuses"
        assert await producer.command("cue", "c", talk="one") == "not_saved"
        await until(lambda: producer.state["problem"])
        assert producer.state["problem"]["code"] == "journal_failed"
        assert producer.state["standby"] == "one", "it was carried out"
        assert house.desk.stats()["journal_well"] == 0
        journal.fails = ""
        assert await producer.command("cue", "d", talk="film") == "done"
        assert house.desk.stats()["journal_well"] == 1
        journal.fails = "silent"
        producer.say({"type": "cue", "id": "e", "talk": "one"})
        await until(lambda: producer.state["standby"] == "one")
        await house.pass_time(6)
        assert house.desk.stats()["journal_well"] == 0
        assert producer.answer("e") is None
        journal.answers.set()
        await until(lambda: producer.answer("e") == {"type": "done", "id": "e"})
    finally:
        await house.desk.stop()


async def test_producers_hear_of_a_damaged_journal(tmp_path: Path) -> None:
    """The show starts, and says that it has forgotten something."""
    (tmp_path / "journal.sqlite").write_bytes(b"not a database at all" * 1000)
    house = House(tmp_path)
    await house.desk.start()
    try:
        producer = house.line("ping", "producer")
        await until(lambda: producer.state and producer.state["problem"])
        assert producer.state["problem"]["code"] == "journal_damaged"
        assert "0 of its lines" in producer.state["problem"]["message"]
    finally:
        await house.desk.stop()


async def test_nothing_is_left_behind(tmp_path: Path, no_leaks: None) -> None:
    """Twenty starts and stops leave no task, thread or descriptor."""
    for _ in range(20):
        house = House(tmp_path)
        await house.desk.start()
        house.line("ping", "producer")
        await house.desk.stop()
        await house.desk.stop()
    assert len(asyncio.all_tasks()) == 1
