"""Re-air's media side: clips are made once they can be, tried again, and let go of with their plan."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from broadcast import reair as module
from broadcast.errors import MediaError, RequestError
from broadcast.outputs.recording.cutting import Job
from broadcast.reair import Reairs
from broadcast.shelf import Recording
from signaling.again import Piece
from signaling.event import Plan

CLIP = "again-p1-0-ada"
BUSY = RequestError("Too many downloads are being made; try again.", code="busy", status=503)


class Desk:
    """The desk's plans, and what it was told."""

    def __init__(self) -> None:
        self.wanted: tuple[Plan, ...] = (Plan("p1", "event", None, loop=True),)
        self.ready: dict[str, Sequence[Piece]] = {}

    def plans(self) -> tuple[Plan, ...]:
        return self.wanted

    def can_play(self, plan: str, pieces: Sequence[Piece]) -> None:
        self.ready[plan] = pieces


class Shelf:
    """Recordings whose files are ready, but for what `trouble` says of the next."""

    def __init__(self) -> None:
        self.found = [recording("0-ada")]
        self.looks = 0
        self.trouble: list[RequestError] = []
        self.downloads = self

    def over(self) -> list[dict[str, Any]]:
        return [{"id": each.id} for each in self.found]

    async def recordings(self) -> list[Recording]:
        self.looks += 1
        return self.found

    async def ask(self, name: str, job: Job) -> str:
        if self.trouble:
            raise self.trouble.pop()
        return "ready"

    def path(self, name: str, job: Job) -> Path:
        return Path(f"{name}.mp4")


class Clips:
    """The clips that are up."""

    def __init__(self) -> None:
        self.up: set[str] = set()
        self.trouble: list[MediaError] = []

    async def prepare(self, name: str, path: Path, *, own: bool) -> None:
        assert own
        if self.trouble:
            raise self.trouble.pop()
        self.up.add(name)

    def remove(self, name: str) -> None:
        self.up.remove(name)


class World:
    def __init__(self) -> None:
        self.desk, self.shelf, self.clips = Desk(), Shelf(), Clips()
        self.used: set[str] = set()
        given: Any = (self.desk, self.shelf, self.clips)
        self.reairs = Reairs(*given, self.used.__contains__)


def recording(id: str) -> Recording:
    job = Job((), 0.0, 60.0, (), {})
    return Recording(id, id.split("-")[1], "Smart Cities", ("Ada",), 0.0, 60.0, job)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_recording_is_made_ready(world: World) -> None:
    """The desk is told its title and length once it can be played."""
    await world.reairs.look()
    assert world.desk.ready == {"p1": [Piece("0-ada", "Ada: Smart Cities", 1.0)]}
    assert world.clips.up == {CLIP}


async def test_a_loop_looks_only_when_something_is_new(world: World) -> None:
    """The recordings are read again when another talk is over, not every two seconds."""
    for _ in range(5):
        await world.reairs.look()
    assert world.shelf.looks == 1
    world.shelf.found = [recording("0-ada"), recording("1-grace")]
    for _ in range(5):
        await world.reairs.look()
    assert world.shelf.looks == 2
    assert [piece.chapter for piece in world.desk.ready["p1"]] == ["0-ada", "1-grace"]


@pytest.mark.parametrize("plan", [Plan("p1", "event", None, loop=True), Plan("p1", "ada", 0.0)])
async def test_what_could_not_be_made_is_tried_again(
    world: World, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others wait for their downloads, or the disk is full: it is made when that is over, and not before a
    while has passed."""
    world.desk.wanted = (plan,)
    world.shelf.trouble = [BUSY]
    world.clips.trouble = [MediaError("the disk has no room for it")]
    await world.reairs.look()
    await world.reairs.look()
    assert world.clips.trouble  # not tried again yet
    assert not world.desk.ready
    world.reairs._failed.clear()
    monkeypatch.setattr(module, "RETRY", 0.0)
    await world.reairs.look()
    assert not world.clips.trouble
    await world.reairs.look()
    assert world.clips.up == {CLIP}
    assert world.desk.ready["p1"]


async def test_a_cancelled_plan_is_let_go(world: World) -> None:
    """Its clips go, but for one that is on air, which goes later; the desk forgets it."""
    world.shelf.found = [recording("0-ada"), recording("1-grace")]
    await world.reairs.look()
    world.used.add(f"clip.{CLIP}")
    world.desk.wanted = ()
    await world.reairs.look()
    assert world.clips.up == {CLIP}
    assert world.desk.ready == {"p1": ()}
    world.used.clear()
    await world.reairs.look()
    assert not world.clips.up
