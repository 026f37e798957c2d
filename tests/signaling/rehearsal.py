"""A show to play scenes with: a stage that is not there, and a clock in hand."""

from typing import Any

from signaling.event import Event, Person
from signaling.handoff import Phase
from signaling.orders import Command, Ready, Take
from signaling.records import Record
from signaling.show import Show
from tests.signaling.stagehand import EVENT, PING, FakeStage, at


class Rehearsal:
    """A show with a clock in hand; answers by id: None is done, a code is a refusal."""

    def __init__(self, event: Event = EVENT) -> None:
        self.stage = FakeStage()
        self.now = 0.0
        self.show = Show(event, self.stage, at(0).wall)
        self.records: list[Record] = []
        self.answers: dict[str, str | None] = {}

    def collect(self) -> None:
        records, answers = self.show.collect()
        self.records += records
        self.answers.update({answer.id: answer.error and answer.error["code"] for answer in answers})

    def do(self, command: Command, person: Person = PING) -> Any:
        self.show.command(person, command, at(self.now))
        self.collect()
        return self.answers.get(command.id, "running")

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.05)):
            self.now += 0.05
            self.show.tick(at(self.now))
        self.collect()

    def shown(self) -> None:
        self.show.shown(self.show.state.floor.picture.token, at(self.now))
        self.collect()

    def on_air(self, talk: str) -> None:
        plan = self.show.state.rundown.talk(talk)
        assert plan is not None
        for speaker in plan.speakers:
            self.show.came(speaker, at(self.now))
            self.show.feed_up(speaker, speaker, "camera", at(self.now))
            self.do(Ready(f"ready-{speaker}-{self.now}", True, speaker))
        self.stage.fresh.update(plan.feeds)
        assert self.do(Take(f"on-air-{talk}-{self.now}", talk)) == "running"
        self.shown()
        assert self.air == talk
        self.wait(0.1)

    @property
    def air(self) -> str | None:
        return self.show.state.floor.air.talk

    @property
    def phase(self) -> Phase | None:
        return self.show.state.hand_off.phase if self.show.state.hand_off else None

    def restart(self, event: Event = EVENT) -> int:
        """A new process with the same journal; how many facts it left out."""
        self.collect()
        self.show = Show(event, self.stage, at(self.now).wall)
        skipped = self.show.replay(self.records, 5000.0)
        self.now += 1.0
        self.show.restarted(at(self.now))
        return skipped
