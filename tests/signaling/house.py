"""A desk with real passes and a real journal, a stage without media and a clock moved by hand, for tests."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from signaling.desk import Desk
from signaling.journal import Journal
from signaling.passes import Passes
from tests.signaling.stagehand import EVENT, FakeStage

SECRET = b"another secret of thirty-two bytes!"


async def until(true: Callable[[], Any]) -> None:
    """Wait for something that must come; the limit is generous, for only its coming is tested."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what it waits for has no event of its own
            await asyncio.sleep(0.002)


class Clock:
    """Time that goes on by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Line:
    """One connection to the desk, with all that came over it."""

    def __init__(
        self, desk: Desk, person: str = "", role: str = "viewer", secret: bytes = SECRET, seat: bool = True
    ) -> None:
        self.heard: list[dict[str, Any]] = []
        self.texts: list[str] = []
        self.closed: tuple[int, str] | None = None
        self.client = desk.connect(self, "192.0.2.1")
        if role != "stranger":
            token = {"pass": Passes(secret, EVENT.id).issue(person, role, 3600)} if person else {}
            self.say({"type": "hello", **token, "client": {"page": "test", "seat": seat}})

    def send(self, text: str) -> None:
        assert self.closed is None
        self.texts.append(text)
        self.heard.append(json.loads(text))

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def say(self, message: dict[str, Any]) -> None:
        self.client.receive(json.dumps(message))

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.heard if message["type"] == kind]

    @property
    def state(self) -> Any:
        states = self.all("state")
        return states[-1] if states else None

    def person(self, ident: str) -> dict[str, Any]:
        return next(person for person in self.state["people"] if person["id"] == ident)

    def answer(self, ident: str) -> dict[str, Any] | None:
        return next((m for m in self.heard if m["type"] in ("done", "error") and m.get("id") == ident), None)

    async def command(self, kind: str, ident: str, **fields: Any) -> str:
        """The answer to a command: `done`, or the code of its refusal."""
        self.say({"type": kind, "id": ident, **fields})
        await until(lambda: self.answer(ident))
        answer = self.answer(ident) or {}
        return "done" if answer["type"] == "done" else str(answer["error"]["code"])


class House:
    """A desk, its stage and its clock."""

    def __init__(self, path: Path, journal: Journal | None = None) -> None:
        self.path = path
        self.clock = Clock()
        self.wall = Clock()
        self.stage = FakeStage()
        self.desk = Desk(
            EVENT,
            Passes(SECRET, EVENT.id),
            journal or Journal(path / "journal.sqlite"),
            self.stage,
            monotonic=self.clock,
            wall=lambda: self.wall.now + 1e9,
            max_clients=1200,
        )

    def line(self, person: str = "", role: str = "viewer", seat: bool = True) -> Line:
        return Line(self.desk, person, role, SECRET, seat)

    async def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.wall.now += seconds
        await self.rest()

    async def rest(self) -> None:
        """Until all that has been said so far is done: the turn that runs now, and a whole one after it."""
        turns = self.desk.stats()["turns"]
        self.desk.mixer_state("up")  # wakes the desk
        await until(lambda: self.desk.stats()["turns"] > turns)
        self.desk.mixer_state("up")
        await until(lambda: self.desk.stats()["turns"] > turns + 1)

    async def on_air(self, producer: Line, talk: str) -> None:
        """Take a talk as in a good show."""
        plan = EVENT.talk(talk)
        assert plan is not None
        self.stage.fresh.update(plan.feeds)
        name = f"on-air-{len(producer.heard)}"
        task = asyncio.create_task(producer.command("take", name, talk=talk, force=True))
        await until(lambda: self.stage.shown[-1][1] == talk)
        self.desk.shown(self.stage.shown[-1][0], 0.0)
        assert await task == "done"
