"""Killed with SIGKILL at every step of a hand-off, the show goes on where it was."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from signaling.desk import Desk
from signaling.journal import Journal
from signaling.passes import Passes
from tests.signaling.doomed import SECRET, STEPS
from tests.signaling.house import Line, until
from tests.signaling.stagehand import EVENT, FakeStage

ROOT = Path(__file__).parents[2]


def doomed(journal: Path, step: str) -> subprocess.Popen[str]:
    """The process that will kill itself at that step."""
    command = [sys.executable, "-m", "tests.signaling.doomed", str(journal), step]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_each_step(tmp_path: Path, step: str) -> None:
    """What was journalled happens, once; what was not, never happened; the same id may be sent again."""
    process = await asyncio.to_thread(doomed, tmp_path / "journal.sqlite", step)
    said, _ = await asyncio.to_thread(process.communicate, None, 30)
    assert process.returncode == -signal.SIGKILL
    assert ("done take-1" in said) == (step == "answered")

    stage = FakeStage()
    desk = Desk(EVENT, Passes(SECRET, EVENT.id), Journal(tmp_path / "journal.sqlite"), stage)
    await desk.start()
    try:
        producer = Line(desk, "ping", "producer", SECRET)
        await until(lambda: producer.state is not None)
        if step == "decided":
            assert stage.shown[-1][1] is None
            assert producer.state["air"]["kind"] == "slate"
        else:
            assert stage.shown[-1][1] == "one", "the picture is back before anybody asks"
            desk.shown(stage.shown[-1][0], 0.0)
            await until(lambda: producer.state["air"]["talk"] == "one")
        assert producer.person("thony")["state"] == ("absent" if step == "decided" else "on_air")
        pictures = len(stage.shown)
        producer.say({"type": "take", "id": "take-1", "talk": "one", "force": True})
        await until(lambda: len(stage.shown) > pictures or producer.answer("take-1") is not None)
        if step == "decided":
            desk.shown(stage.shown[-1][0], 0.0)
        await until(lambda: producer.answer("take-1") == {"type": "done", "id": "take-1"})
        assert len(stage.shown) == pictures + (step == "decided"), "the same id acts once"
        assert [talk["state"] for talk in producer.state["talks"]].count("live") == 1
    finally:
        await desk.stop()


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.7])
async def test_killed_at_any_moment(tmp_path: Path, seconds: float) -> None:
    """No acknowledged command is lost, wherever the process was."""
    process = await asyncio.to_thread(doomed, tmp_path / "journal.sqlite", "never")
    assert process.stdout is not None
    said = [await asyncio.to_thread(process.stdout.readline)]
    await asyncio.sleep(seconds)  # any moment will do: nothing is measured by it
    process.kill()
    said += await asyncio.to_thread(process.stdout.readlines)
    process.stdout.close()
    process.wait()
    done = [line.split()[1] for line in said if line.endswith("\n")]

    journal = Journal(tmp_path / "journal.sqlite")
    records = await journal.open(EVENT.id)
    await journal.close()
    known = [record.id for record in records if record.id]
    assert set(done) <= set(known)
    assert len(known) == len(set(known))
    assert len(set(known) - set(done)) <= 1, "at most the one command that ran was not acknowledged"
    assert all(json.loads(record.command)["id"] == record.id for record in records if record.id)
