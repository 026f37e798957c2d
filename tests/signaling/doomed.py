"""A server of people alone, run as a process of its own, that kills itself at a chosen step of a hand-off.

`python -m tests.signaling.doomed JOURNAL WAY STEP`: WAY is how the hand-off begins (`PLAYS`), or `endless`,
which takes talk after talk until killed. Each acknowledged command is printed as `done <id>` the moment that
it is sent.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from signaling.desk import Desk
from signaling.event import Person, Slate, Talk
from signaling.facts import Began, Confirmed
from signaling.journal import Journal
from signaling.passes import Passes
from signaling.records import Record
from tests.signaling.stagehand import EVENT, FakeStage

SECRET = b"a secret of thirty-two bytes or so"
STEPS = ("decided", "journalled", "shown", "confirming", "confirmed", "answered")
# The talk after the film goes on by itself.
PLAN = replace(EVENT, talks=tuple(replace(talk, automatic=talk.id == "break") for talk in EVENT.talks))


@dataclass(frozen=True)
class Play:
    """A hand-off: from `before` to `target` (None: the slate), asked for by `person` with `command`, or by
    itself at the end of the clip `before`. `cued`: what is on standby first."""

    before: str | None
    target: str
    person: str = ""
    command: Mapping[str, Any] = field(default_factory=dict)
    cued: str | None = None


PLAYS: Mapping[str, Play] = MappingProxyType({
    "take": Play(None, "one", "ping", {"type": "take", "id": "go", "talk": "one", "force": True}),
    "pass": Play("one", "panel", "thony", {"type": "pass_floor", "id": "go"}, cued="panel"),
    "clip": Play("film", "one", cued="one"),
    "automatic": Play("film", "break"),
})  # fmt: skip


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fate:
    """Kills the process at its step, once `armed`."""

    def __init__(self, step: str) -> None:
        self._step = step
        self.armed = False

    def meet(self, step: str) -> None:
        if self.armed and step == self._step:
            die()


class DoomedJournal(Journal):
    def __init__(self, path: Path, fate: Fate) -> None:
        super().__init__(path)
        self._fate = fate

    async def append(self, records: Sequence[Record]) -> None:
        facts = [fact for record in records for fact in record.facts]
        began = any(isinstance(fact, Began) for fact in facts)
        confirmed = any(isinstance(fact, Confirmed) for fact in facts)
        for true, step in ((began, "decided"), (confirmed, "confirming")):
            if true:
                self._fate.meet(step)
        await super().append(records)
        for true, step in ((began, "journalled"), (confirmed, "confirmed")):
            if true:
                self._fate.meet(step)


class DoomedStage(FakeStage):
    """Its mixer shows everything in the next turn of the loop."""

    desk: Desk

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate
        self.fresh = {feed for talk in PLAN.talks for feed in talk.feeds}

    def show_talk(
        self,
        token: str,
        talk: Talk,
        layout: str,
        people: Sequence[Person],
        transition: str,
        lost: Collection[str],
        airing: str,
        since: float | None,
    ) -> None:
        self._fate.meet("shown")
        asyncio.get_running_loop().call_soon(self.desk.shown, token, 0.0)

    def show_slate(self, token: str, slate: Slate) -> None:
        asyncio.get_running_loop().call_soon(self.desk.shown, token, 0.0)


class Wire:
    """A connection that tells its end what has been answered."""

    def __init__(self, fate: Fate) -> None:
        self._fate = fate
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def send(self, text: str) -> None:
        message = json.loads(text)
        if message["type"] in ("done", "error"):
            print(message["type"], message["id"], flush=True)
            self._fate.meet("answered")
            self.answers.put_nowait(message)

    def close(self, code: int, reason: str) -> None:
        pass


class Troupe:
    """Everybody's connection to a desk that is doomed."""

    def __init__(self, path: Path, fate: Fate) -> None:
        self.stage = DoomedStage(fate)
        self.passes = Passes(SECRET, PLAN.id)
        self.desk = self.stage.desk = Desk(PLAN, self.passes, DoomedJournal(path, fate), self.stage)
        self._fate = fate
        self._serial = 0

    async def gather(self) -> None:
        await self.desk.start()
        self._wires = {who.id: Wire(self._fate) for who in PLAN.people if who.role in ("producer", "speaker")}
        self._clients = {who: self.desk.connect(wire, "") for who, wire in self._wires.items()}
        for who, client in self._clients.items():
            person = PLAN.person(who)
            assert person is not None
            hello = {"type": "hello", "pass": self.passes.issue(who, person.role, 3600)}
            client.receive(json.dumps(hello))

    async def say(self, who: str, command: Mapping[str, Any]) -> None:
        """Give a command and wait for its answer; one without an id gets one."""
        self._serial += 1
        self._clients[who].receive(json.dumps({"id": f"{command['type']}-{self._serial}", **command}))
        await self._wires[who].answers.get()
        await asyncio.sleep(0.021)  # below the limit of fifty messages a second

    async def take(self, talk: str) -> None:
        """As in a good show."""
        await self.ready(talk)
        await self.say("ping", {"type": "take", "talk": talk, "force": True})

    async def ready(self, talk: str) -> None:
        plan = PLAN.talk(talk)
        assert plan is not None
        for who in plan.speakers:
            await self.say("ping", {"type": "ready", "ready": True, "person": who})


async def perform(path: Path, play: Play, step: str) -> None:
    """One hand-off, and at its step the end, or else none: it waits to be killed."""
    fate = Fate(step)
    troupe = Troupe(path, fate)
    await troupe.gather()
    if play.before is not None:
        await troupe.take(play.before)
    await troupe.ready(play.target)
    if play.cued is not None:
        await troupe.say("ping", {"type": "cue", "talk": play.cued})
    fate.armed = True
    if play.person:
        await troupe.say(play.person, play.command)
    else:
        troupe.desk.clip_ended(str(play.before))
    await asyncio.Event().wait()


async def endless(path: Path) -> None:
    """Talk after talk, with numbered takes."""
    troupe = Troupe(path, Fate("never"))
    await troupe.gather()
    while True:
        for talk in PLAN.talks:
            await troupe.take(talk.id)


async def main(path: Path, way: str, step: str) -> None:
    await (endless(path) if way == "endless" else perform(path, PLAYS[way], step))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
