"""A server of people alone, run as a process of its own, that kills itself at a chosen step of a hand-off.

`python -m tests.signaling.doomed JOURNAL STEP`: with STEP `never` it takes talk after talk until killed.
Each acknowledged command is printed as `done <id>` the moment that it is sent.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from signaling.desk import Desk
from signaling.event import Person, Slate, Talk
from signaling.facts import Began, Confirmed, Record
from signaling.journal import Journal
from signaling.passes import Passes
from tests.signaling.stagehand import EVENT, FakeStage

SECRET = b"a secret of thirty-two bytes or so"
STEPS = ("decided", "journalled", "shown", "confirming", "confirmed", "answered")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DoomedJournal(Journal):
    def __init__(self, path: Path, step: str) -> None:
        super().__init__(path)
        self._step = step

    async def append(self, records: Sequence[Record]) -> None:
        facts = [fact for record in records for fact in record.facts]
        began = any(isinstance(fact, Began) for fact in facts)
        confirmed = any(isinstance(fact, Confirmed) for fact in facts)
        if (began and self._step == "decided") or (confirmed and self._step == "confirming"):
            die()
        await super().append(records)
        if (began and self._step == "journalled") or (confirmed and self._step == "confirmed"):
            die()


class DoomedStage(FakeStage):
    """Its mixer shows everything in the next turn of the loop."""

    desk: Desk

    def __init__(self, step: str) -> None:
        super().__init__()
        self._step = step
        self.fresh = {feed for talk in EVENT.talks for feed in talk.feeds}

    def show_talk(
        self,
        token: str,
        talk: Talk,
        layout: str,
        people: Sequence[Person],
        transition: str,
        lost: Collection[str],
    ) -> None:
        if self._step == "shown":
            die()
        asyncio.get_running_loop().call_soon(self.desk.shown, token, 0.0)

    def show_slate(self, token: str, slate: Slate) -> None:
        asyncio.get_running_loop().call_soon(self.desk.shown, token, 0.0)


class Wire:
    """A connection that tells its end what has been answered."""

    def __init__(self, step: str) -> None:
        self._step = step
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def send(self, text: str) -> None:
        message = json.loads(text)
        if message["type"] in ("done", "error"):
            print(message["type"], message["id"], flush=True)
            if self._step == "answered" and message["id"] == "take-1":
                die()
            self.answers.put_nowait(message)

    def close(self, code: int, reason: str) -> None:
        pass


async def main(path: Path, step: str) -> None:
    stage = DoomedStage(step)
    passes = Passes(SECRET, EVENT.id)
    desk = stage.desk = Desk(EVENT, passes, DoomedJournal(path, step), stage)
    await desk.start()
    wires = [Wire(step) for _ in range(4)]
    clients = [desk.connect(wire, "") for wire in wires]
    roles = [("ping", "producer"), ("thony", "speaker"), ("lanvin", "speaker"), ("vermast", "speaker")]
    for client, (person, role) in zip(clients, roles, strict=True):
        client.receive(json.dumps({"type": "hello", "pass": passes.issue(person, role, 3600)}))
    producer, answers = clients[0], wires[0].answers
    talks = ["one"] if step != "never" else [talk.id for talk in EVENT.talks] * 1000
    for number, talk in enumerate(talks, 1):
        plan = EVENT.talk(talk)
        assert plan is not None
        commands = [{"type": "ready", "ready": True, "person": who} for who in plan.speakers]
        commands.append({"type": "take", "talk": talk, "force": True})
        for part, command in enumerate(commands):
            name = f"ready-{number}-{part}" if command["type"] == "ready" else f"take-{number}"
            producer.receive(json.dumps({**command, "id": name}))
            await answers.get()
            await asyncio.sleep(0.021)  # below the limit of fifty messages a second


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
