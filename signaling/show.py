"""(P) The show: every input comes here, is decided once, and becomes facts.

Inputs are methods with `now`. Each applies its facts to `state` at once and collects them as records for the
journal and answers for those who asked; `collect` hands both over. The caller's duty: journal the records
before anything is shown, answered or sent (`desk.py` does).
"""

from collections.abc import Iterable
from dataclasses import replace

from signaling.answers import Answer, Answers
from signaling.commands import decide
from signaling.event import Event, Moment, Person, Sight, Talk
from signaling.facts import (
    Aborted,
    Began,
    Came,
    Confirmed,
    Ended,
    Erased,
    Fact,
    FeedDown,
    FeedUp,
    FellBack,
    Left,
    Lost,
    Restarted,
    Returned,
    Seen,
    Warned,
)
from signaling.handoff import HandOff, Phase
from signaling.moves import move_of
from signaling.orders import Command
from signaling.records import Record
from signaling.refusal import Refused
from signaling.state import State, UnknownName, apply, noted
from signaling.succession import follow_up, people_fit
from signaling.watch import Panel, Verdict, Watch

MAX_STEPS = 8  # facts that one turn of the machine may lead to; more would be a loop


class Show:
    """Who is on stage and how the stage changes hands. `state` is always consistent."""

    def __init__(self, event: Event, sight: Sight, since: float) -> None:
        self.state = State.of(event, since)
        self.answers = Answers()
        self._sight = sight
        self._watch = Watch(0.0)  # what is taken without force has its pictures at the commit
        self._panel = Panel()
        self._records: list[Record] = []
        self._answered: list[Answer] = []

    def collect(self) -> tuple[list[Record], list[Answer]]:
        """What has happened since the last call: to be journalled, and then to be answered."""
        records, answered = self._records, self._answered
        self._records, self._answered = [], []
        return records, answered

    # ---- people and their commands

    def command(self, person: Person, command: Command, now: Moment) -> None:
        """Carry out a command, or refuse it and change nothing; the answer comes now or when it has ended.

        The same id again does nothing but repeat the answer. Raises Refused `id_reused` alone: that is for
        whoever gave the second command, and the answer to the first stays.
        """
        text = command.as_text()
        if self.answers.known(person.id, command.id, text):
            self._repeat(person, command)
            return
        self.answers.open(person.id, command.id, text)
        try:
            facts = decide(self.state, self._sight, person, command)
        except Refused as refused:
            self._close(Answer(person.id, command.id, refused.as_json()["error"]))
            return
        before, records, answered = self.state, len(self._records), len(self._answered)
        try:
            self._act(facts, now, Record(now.wall, (), person.id, command.id, text))
            if not any(isinstance(fact, Began) for fact in facts):
                self._close(Answer(person.id, command.id))
            self.tick(now)
        except Exception:  # a fault of ours: who gave the command is told that nothing has changed
            self.state = before
            del self._records[records:], self._answered[answered:]
            raise

    def came(self, person_id: str, now: Moment) -> None:
        """The first page of this person is connected."""
        seat = self.state.roster.seat(person_id)
        if seat is not None and not seat.connected:
            self._act([Came(person_id)], now)

    def left(self, person_id: str, now: Moment) -> None:
        """The last page of this person has gone."""
        seat = self.state.roster.seat(person_id)
        if seat is not None and seat.connected:
            self._act([Left(person_id)], now)

    # ---- the stage

    def feed_up(self, feed: str, owner: str, kind: str, now: Moment) -> None:
        """A feed has begun; feeds of nobody in the event (clips) are the stage's own business."""
        if self.state.roster.seat(owner) is not None:
            self._act([FeedUp(feed, owner, kind)], now)
        self.tick(now)

    def feed_down(self, feed: str, reason: str, now: Moment) -> None:
        """A feed has ended."""
        if any(feed in seat.feeds for seat in self.state.roster.seats.values()):
            self._act([FeedDown(feed, reason)], now)
        self.tick(now)

    def shown(self, token: str, now: Moment) -> None:
        """The mixer has sent the first frame of the picture with this token."""
        self._act(self.state.floor.shown(token), now)
        self.tick(now)

    def clip_ended(self, clip: str, now: Moment) -> None:
        """A clip that does not loop has been sent to its end."""
        live = self.state.live
        if live is None or live.clip != clip:
            return
        if not self.state.floor.air.ended:
            self._act([Ended(live.id)], now)
        self.tick(now)

    def audience(self, viewers: int, screens: int) -> None:
        """How many watch; not journalled, for it would be a line every two seconds, and nobody acts on it."""
        self.state = replace(self.state, viewers=viewers, screens=screens)

    def warn(self, code: str, message: str, now: Moment) -> None:
        """Tell the producers of something that went wrong outside the show's own rules."""
        self._act([Warned(code, message)], now)

    def tick(self, now: Moment) -> None:
        """Time has passed: bring the running hand-off on, and judge the talk on air."""
        for _ in range(MAX_STEPS):
            facts = self._due(now)
            if not facts:
                return
            self._act(facts, now)
        raise AssertionError("the machine does not come to rest")

    def _due(self, now: Moment) -> list[Fact]:
        state, running = self.state, self.state.hand_off
        if running is not None:
            facts = self._unfit(running) or self._advance(running, now)
            if facts or running.phase is Phase.COMMIT:
                return facts  # once committed, what is on air is about to leave it anyway
        elif state.floor.air.ended:
            return follow_up(state, self._sight)
        return self._judge(running, now)

    def _unfit(self, running: HandOff) -> list[Fact]:
        """End a hand-off whose people go, or say that they are not ready, before its pictures are there."""
        target = self.state.rundown.talk(running.order.talk)
        if target is None or running.order.forced or running.phase is not Phase.PREPARE:
            return []
        try:
            people_fit(self.state, target)
        except Refused as refused:
            who = tuple(refused.fields["people"])
            return [Aborted(running.order.token, refused.code, refused.message, people=who)]
        return []

    def _advance(self, running: HandOff, now: Moment) -> list[Fact]:
        state, live = self.state, self.state.live
        target = state.rundown.talk(running.order.talk)
        alive = live is None or self._alive(live, set(self._sight.missing(live)))
        return state.floor.advance(now, self._sight, target, alive, state.next_token)

    def _judge(self, running: HandOff | None, now: Moment) -> list[Fact]:
        """Fall back to the slate when the talk on air has died, return when it lives again."""
        state, air = self.state, self.state.floor.air
        talk = state.live or (state.rundown.talk(air.held) if air.returns else None)
        if talk is None:
            return []
        missing = set(self._sight.missing(talk))
        alive = self._alive(talk, missing)
        if alive and air.forced:
            return [Seen(talk.id)]  # journalled, for a restart must not forget that it can die
        verdict = self._watch.look(talk.id, air.talk is not None, alive, air.forced, now.mono)
        if verdict is Verdict.DEAD:
            return [FellBack(state.next_token, "feed_dead", f"No picture any more: {talk.title}.")]
        pictures = state.pictures(talk)
        if verdict is Verdict.BACK and running is None:
            return [Returned(state.next_token, tuple(feed for feed in pictures if feed in missing))]
        if air.talk is None:
            return []
        lost = self._panel.look(talk.id, pictures, missing, air.lost, now.mono)
        return [] if lost == air.lost else [Lost(state.next_token, lost)]

    def _alive(self, talk: Talk, missing: set[str]) -> bool:
        """Whether any picture of the talk moves; a talk without feeds is its card and cannot die."""
        return not talk.feeds or any(feed not in missing for feed in self.state.pictures(talk))

    def erased(self, name: str, octets: int, now: Moment) -> None:
        """Old recordings are about to go; the journal says so."""
        self._act([Erased(name, octets)], now)

    # ---- restart

    def replay(self, records: Iterable[Record], mono: float) -> int:
        """Live through the journal again. Returns how many facts no longer fit the event and are left out."""
        skipped = 0
        for record in records:
            if record.id:
                self.answers.open(record.person, record.id, record.command)
                if not any(isinstance(fact, Began) for fact in record.facts):
                    self._close(Answer(record.person, record.id))
            for fact in record.facts:
                if not self._relive(fact, Moment(mono, record.at)):
                    skipped += 1  # its revision has passed all the same: tokens and cues are named by it
                    self.state = replace(self.state, revision=self.state.revision + 1)
            self._note(record)
        self.collect()
        return skipped

    def _relive(self, fact: Fact, now: Moment) -> bool:
        if isinstance(fact, Began) and fact.talk is not None and self.state.rundown.item(fact.talk) is None:
            fact = replace(fact, talk=None)  # its talk is no longer in the config: the slate stands in
        self._catch_up(fact)
        try:
            self._apply(fact, now)
        except (UnknownName, AssertionError):
            return False
        return True

    def _catch_up(self, fact: Fact) -> None:
        """Lines before one that names a later picture are lost: no name may be given a second time."""
        token = getattr(fact, "token", None) or ""
        if token.isdecimal():
            self.state = replace(self.state, revision=max(self.state.revision, int(token) - 1))

    def restarted(self, now: Moment) -> None:
        """After `replay`: everybody has to come back, and a hand-off goes on or ends."""
        self._act([Restarted()], now)
        running = self.state.hand_off
        if running is not None and running.phase is Phase.PREPARE:
            message = "The server was restarted before it could change the picture."
            self._act([Aborted(running.order.token, "restarted", message)], now)
        self._watch.restarted(now.mono)
        self._panel.restarted(now.mono)

    # ---- facts

    def _act(self, facts: list[Fact], now: Moment, record: Record | None = None) -> None:
        """Apply the facts, all or none, and note them for the journal."""
        before = self.state
        try:
            for fact in facts:
                self._apply(fact, now)
        except BaseException:
            self.state = before
            raise
        if facts or record is not None:
            record = replace(record or Record(now.wall, ()), facts=tuple(facts))
            self._note(record)
            self._records.append(record)

    def _note(self, record: Record) -> None:
        move = move_of(record)
        if move is not None:
            self.state = noted(self.state, move)

    def _apply(self, fact: Fact, now: Moment) -> None:
        running = self.state.hand_off
        self.state = apply(self.state, fact, now)
        if running is not None and self.state.hand_off is None:
            self._close(_outcome(running.order, fact))

    def _repeat(self, person: Person, command: Command) -> None:
        answer = self.answers.answer(person.id, command.id)
        if answer is not None:
            self._answered.append(answer)

    def _close(self, answer: Answer) -> None:
        if not answer.id:
            return  # nobody asked: the show did it by itself
        self.answers.close(answer)
        self._answered.append(answer)


def _outcome(order: Began, fact: Fact) -> Answer:
    """How the command that began this hand-off ended, by the fact that ended it."""
    match fact:
        case Aborted(code=code, message=message, feeds=feeds, people=people):
            lists = {name: list(ids) for name, ids in (("feeds", feeds), ("people", people)) if ids}
            return Answer(order.person, order.command, {"code": code, "message": message, **lists})
        case FellBack(code=code, message=message) if order.talk is not None:
            return Answer(order.person, order.command, {"code": code, "message": message})
        case _:
            assert isinstance(fact, Confirmed | FellBack), "nothing else ends a hand-off"
            return Answer(order.person, order.command)
