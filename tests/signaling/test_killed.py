"""Killed with SIGKILL at every step of a hand-off, however it began, the show goes on where it was."""

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
from tests.signaling.doomed import PLAN, PLAYS, SECRET, STEPS, Play
from tests.signaling.house import Line, until
from tests.signaling.stagehand import FakeStage

ROOT = Path(__file__).parents[2]
# Nobody is answered where nobody asked.
CASES = [(way, step) for way, play in PLAYS.items() for step in STEPS if play.person or step != "answered"]


def doomed(journal: Path, way: str, step: str) -> subprocess.Popen[str]:
    """The process that will kill itself at that step."""
    command = [sys.executable, "-m", "tests.signaling.doomed", str(journal), way, step]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("way", "step"), CASES)
async def test_killed_at_each_step(tmp_path: Path, way: str, step: str) -> None:
    """What was journalled happens, once; what was not, never happened; what asked for it may ask again."""
    play = PLAYS[way]
    process = await asyncio.to_thread(doomed, tmp_path / "journal.sqlite", way, step)
    said, _ = await asyncio.to_thread(process.communicate, None, 60)
    assert process.returncode == -signal.SIGKILL
    assert ("done go" in said) == (step == "answered")

    stage = FakeStage()
    stage.fresh = {feed for talk in PLAN.talks for feed in talk.feeds}
    desk = Desk(PLAN, Passes(SECRET, PLAN.id), Journal(tmp_path / "journal.sqlite"), stage)
    await desk.start()
    try:
        lines = {who: Line(desk, who, role, SECRET) for who, role in _cast()}
        producer = lines["ping"]
        await until(lambda: producer.state and all(producer.person(who)["connected"] for who in lines))
        assert stage.shown[-1][1] == (play.before if step == "decided" else play.target)
        if step != "decided":
            desk.shown(stage.shown[-1][0], 0.0)
        on_air = play.before if step == "decided" else play.target
        await until(lambda: producer.state["air"]["talk"] == on_air)
        pictures = len(stage.shown)
        _ask_again(desk, lines, play)
        if step == "decided":
            await until(lambda: len(stage.shown) > pictures)
            desk.shown(stage.shown[-1][0], 0.0)
        if play.person:
            line = lines[play.person]
            await until(lambda: line.answer("go") == {"type": "done", "id": "go"})
        await until(lambda: producer.state["air"]["talk"] == play.target)
        # Whatever else was asked is done by now: the desk answers in turn.
        assert await producer.command("cue", "last", talk=None) == "done"
        assert stage.shown[-1][1] == play.target
        assert len(stage.shown) == pictures + (step == "decided"), "it acts once"
        assert [talk["state"] for talk in producer.state["talks"]].count("live") == 1
    finally:
        await desk.stop()


def _cast() -> list[tuple[str, str]]:
    return [(who.id, who.role) for who in PLAN.people if who.id in ("ping", "thony", "lanvin", "vermast")]


def _ask_again(desk: Desk, lines: dict[str, Line], play: Play) -> None:
    """The page repeats its command under the same id; a clip is at its end again."""
    if play.person:
        lines[play.person].say(dict(play.command))
    else:
        desk.clip_ended(str(play.before))


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.7])
async def test_killed_at_any_moment(tmp_path: Path, seconds: float) -> None:
    """No acknowledged command is lost, wherever the process was."""
    process = await asyncio.to_thread(doomed, tmp_path / "journal.sqlite", "endless", "never")
    assert process.stdout is not None
    said = [await asyncio.to_thread(process.stdout.readline)]
    await asyncio.sleep(seconds)  # any moment will do: nothing is measured by it
    process.kill()
    said += await asyncio.to_thread(process.stdout.readlines)
    process.stdout.close()
    process.wait()
    done = [line.split()[1] for line in said if line.endswith("\n")]

    journal = Journal(tmp_path / "journal.sqlite")
    records = await journal.open(PLAN.id)
    await journal.close()
    known = [record.id for record in records if record.id]
    assert set(done) <= set(known)
    assert len(known) == len(set(known))
    assert len(set(known) - set(done)) <= 1, "at most the one command that ran was not acknowledged"
    assert all(json.loads(record.command)["id"] == record.id for record in records if record.id)
