"""The desk: one task that takes what people and machines say, drives the show, and tells everybody.

Each turn: the inputs that have gathered are decided; what they led to is committed to the journal; only then
the stage is directed, the commands are answered and the state is sent. So nobody sees what a crash could
undo, unless the disk is slower than the show can wait (`ledger.py`). Overflow: past `MAX_INBOX` waiting
inputs, commands are refused as `busy`; the stage's own never are.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from signaling.again import Piece, step
from signaling.airings import told
from signaling.answers import Answer
from signaling.client import BUSY, REMOVED, SHUTDOWN, Client, Connection, Goodbye
from signaling.crowd import Crowd
from signaling.director import Director, Level, Stage
from signaling.event import Event, Moment, Person, Plan, Role
from signaling.journal import Journal
from signaling.ledger import Ledger
from signaling.messages import Hello
from signaling.orders import Command
from signaling.passes import Claims, Passes
from signaling.plans import MACHINE
from signaling.records import Record
from signaling.refusal import PassRefused, Refused
from signaling.show import Show
from signaling.views import welcome

BUSY_TICK = 0.02  # seconds between turns while something is on air, held or changing
IDLE_TICK = 0.25
HEALTH_SECONDS = 1.0
AUDIENCE_SECONDS = 2.0  # between two counts of the audience, which would else be sent at each arrival
AGAIN_SECONDS = 1.0  # between two looks whether a re-air is due
STOP_SECONDS = 2.0
MAX_INBOX = 2000
MAX_CLIENTS = 5000

__all__ = ["Client", "Connection", "Desk", "Level", "Stage"]

log = logging.getLogger(__name__)

Job = Callable[[Moment], None]


class Desk:
    """`await start()`, then everything else, then `await stop()`. Call it from one event loop only."""

    def __init__(
        self,
        event: Event,
        passes: Passes,
        journal: Journal,
        stage: Stage,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        version: str = "",
        max_clients: int = MAX_CLIENTS,
    ) -> None:
        self._event = event
        self._passes = passes
        self._journal = journal
        self._stage = stage
        self._monotonic = monotonic
        self._wall = wall
        self._version = version
        self._max_clients = max_clients
        self._started = wall()
        self.since = self._started  # Unix seconds: how far back the journal knows what was on air
        self._show = Show(event, stage, self._started)
        self._crowd = Crowd()
        self._inbox: deque[Job] = deque()
        self._wake = asyncio.Event()
        self._asked: dict[tuple[str, str], list[Client]] = {}
        self._serial = 0
        self._director = Director(stage)
        self._ledger = Ledger(journal, self._wake.set, self.warn)
        self.count_audience: Callable[[], tuple[int, int]] = lambda: (0, 0)  # viewers, screens by WebRTC
        self._audience_at = self._health_at = float("-inf")
        self._again: dict[str, tuple[Piece, ...]] = {}
        self._again_at = float("-inf")
        self._turns = 0
        self._faults = 0
        self._fault_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    # ---- life

    async def start(self) -> None:
        """Read the journal and put on air what was. Raises JournalError where it cannot be used."""
        records = await self._journal.open(self._event.id)
        if self._journal.damage:
            self.warn("journal_damaged", self._journal.damage)
        now = self._now()
        skipped = self._show.replay(records, now.mono)
        if skipped:
            log.warning("%d facts of the journal no longer fit the event and were left out", skipped)
        if records:
            self.since = records[0].at
            self._show.restarted(now)
            log.info("resumed from %d lines: %s", len(records), self._show.state.floor.air)
        await self._settle(now)
        self._task = asyncio.create_task(self._run(), name="desk")
        self._task.add_done_callback(_died)

    async def stop(self) -> None:
        """Tell everybody, write what is left, and end. Idempotent."""
        self._stopping = True
        self._crowd.end_all(SHUTDOWN)
        self._wake.set()
        task, self._task = self._task, None
        if task is not None:
            done, _ = await asyncio.wait({task}, timeout=STOP_SECONDS)
            if not done:
                task.cancel()
                await asyncio.wait({task})
                log.warning("the desk did not end by itself and was cancelled")
        await self._journal.close()

    @property
    def well(self) -> bool:
        """Whether it runs: what is put to it will be done."""
        return self._task is not None and not self._task.done()

    # ---- people

    def connect(self, connection: Connection, address: str) -> Client:
        """A new WebSocket; the caller then calls `receive` and, once, `gone` on what this returns."""
        now = self._now()
        self._serial += 1
        client = Client(f"c{self._serial}", address, now.wall, now.mono, self, connection)
        if self._stopping or len(self._crowd) >= self._max_clients:
            client.end(SHUTDOWN if self._stopping else BUSY)
        else:
            self._crowd.add(client)
        return client

    def authorise(self, token: str | None, *roles: str) -> Claims:
        """Who asks over HTTP; with `roles`, only those may. Raises PassRefused with `code` and `status`."""
        if token:
            claims = self._passes.check(token, self._wall())
            self._person(claims)
        elif self._event.public_viewers:
            claims = Claims("", Role.VIEWER, self._event.id, float("inf"))
        else:
            raise PassRefused("pass_missing", 401, "This needs a pass; open your personal link.")
        if not roles or claims.role in roles:
            return claims
        if not token:
            raise PassRefused("pass_missing", 401, "This needs a pass; open your personal link.")
        raise PassRefused("role_forbidden", 403, f"Not for a {claims.role}: only for {', '.join(roles)}.")

    def _person(self, claims: Claims) -> Person:
        person = self._event.person(claims.person)
        if person is None or person.role != claims.role:
            raise PassRefused("pass_unknown_person", 403, "This link's person is no longer in the event.")
        seat = self._show.state.roster.seat(person.id)
        if seat is not None and seat.removed:
            raise PassRefused(REMOVED.code, 403, REMOVED.message)
        return person

    # ---- what clients ask (the methods of `Front`)

    def time(self) -> tuple[float, float]:
        return self._now()

    def greet(self, client: Client, hello: Hello) -> None:
        """Let the client in, or end its connection with the reason."""
        try:
            claims = self.authorise(hello.token or None)
            person = self._person(claims) if claims.person else None
        except PassRefused as refused:
            log.info("< %s hello refused: %s", client.id, refused.code)
            client.end(Goodbye(refused.code, refused.message, 4000 + refused.status))
            return
        client.page = hello.page
        client.send_text(welcome(person, self._event, self._version, self._started, self._wall()))
        first = self._crowd.greet(client, person)
        if hello.seat:
            self._crowd.sit(client)
        level = logging.DEBUG if client.role == Role.VIEWER else logging.INFO
        log.log(
            level, "< %s hello from %s: %s", client.id, client.address, person.id if person else "a viewer"
        )
        if first and person is not None:
            self._put(lambda now: self._show.came(person.id, now))
        self._wake.set()

    def sit(self, client: Client) -> None:
        """A speaker's page takes the seat."""
        self._crowd.sit(client)

    def submit(self, client: Client, command: Command) -> None:
        """Queue a command; its answer comes when it has been carried out, or refused."""
        person = client.person
        if person is None or person.role not in (Role.PRODUCER, Role.SPEAKER):
            error = {"code": "role_forbidden", "message": "You are here to watch."}
            client.refuse(command.id, error)
            return
        if len(self._inbox) >= MAX_INBOX:
            client.refuse(command.id, {"code": "busy", "message": "Too much at once; try again."})
            return
        self._put(lambda now: self._command(client, person, command, now))

    def _command(self, client: Client, person: Person, command: Command, now: Moment) -> None:
        try:
            self._show.command(person, command, now)
        except Refused as refused:
            client.refuse(command.id, refused.as_json()["error"])
            return
        except Exception:  # a fault of ours must not end the show: it is logged, and the state is as before
            log.exception("a command failed: %s", command)
            error = {"code": "internal", "message": "The server made a mistake; nothing has changed."}
            self._show.answers.close(Answer(person.id, command.id, error))
            client.refuse(command.id, error)
            return
        asked = self._asked.setdefault((person.id, command.id), [])
        if client not in asked:
            asked.append(client)

    def forget(self, client: Client) -> None:
        if self._crowd.remove(client) and client.person is not None:
            person_id = client.person.id
            self._put(lambda now: self._show.left(person_id, now))

    # ---- the stage

    def feed_up(self, feed_id: str, owner: str, kind: str) -> None:
        """A feed has begun; `owner` is a person's id, or empty."""
        self._put(lambda now: self._show.feed_up(feed_id, owner, kind, now))

    def feed_down(self, feed_id: str, reason: str) -> None:
        """A feed has ended."""
        self._put(lambda now: self._show.feed_down(feed_id, reason, now))

    def shown(self, token: str, at: float) -> None:
        """The first frame of this picture left the encoder at `at` (monotonic)."""
        log.debug("shown %s at %.3f", token, at)
        self._put(lambda now: self._show.shown(token, now))

    def mixer_state(self, state: str) -> None:
        """The mixer is `up` or `starting`."""
        log.info("the mixer is %s", state)
        self._put(self._show.tick)

    def clip_ended(self, clip: str) -> None:
        """A clip that does not loop has been sent to its end; `clip` is its id in the config."""
        self._put(lambda now: self._show.clip_ended(clip, now))

    def erasing(self, name: str, octets: int) -> None:
        """Old recordings are about to go."""
        self._put(lambda now: self._show.erased(name, octets, now))

    def plans(self) -> tuple[Plan, ...]:
        """The re-airs that are wanted."""
        return self._show.state.plans

    def can_play(self, plan: str, pieces: Sequence[Piece]) -> None:
        """Of this re-air all this is ready to be played; nothing: forget it."""
        self._again.pop(plan, None)
        if pieces:
            self._again[plan] = tuple(pieces)

    def chapters(self) -> dict[str, Any]:
        """When each talk was on air, and the state of the event: docs/protocol.md, section 7."""
        state = self._show.state
        return told(state.event, state.rundown, state.airings, self._wall())

    def stats(self) -> dict[str, float]:
        """For the metrics."""
        state = self._show.state
        return {
            "clients": len(self._crowd),
            "revision": state.revision,
            "inbox": len(self._inbox),
            "on_air": float(state.floor.air.talk is not None),
            "turns": self._turns,
            "faults": self._faults,
            "journal_well": float(self._ledger.well),
        }

    @property
    def calm(self) -> bool:
        """Nobody is on the air, nor about to be."""
        floor = self._show.state.floor
        return floor.hand_off is None and floor.air.talk is None and floor.air.held is None

    # ---- the turn

    def _now(self) -> Moment:
        return Moment(self._monotonic(), self._wall())

    def _put(self, job: Job) -> None:
        self._inbox.append(job)
        self._wake.set()

    async def _run(self) -> None:
        while not self._stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_TICK if self.calm else BUSY_TICK):
                    await self._wake.wait()
            await self._turn()
        await self._turn()  # what the goodbyes have led to

    async def _turn(self) -> None:
        self._wake.clear()
        now = self._now()
        for _ in range(len(self._inbox)):
            self._guard(self._inbox.popleft(), now)
        self._guard(self._show.tick, now)
        self._guard(self._timers, now)
        await self._settle(now)
        self._turns += 1

    def _guard(self, job: Job, now: Moment) -> None:
        try:
            job(now)
        except Exception:  # a fault of ours must not end the show: it is counted, and logged once a second
            self._faults += 1
            if now.mono - self._fault_at >= 1:
                self._fault_at = now.mono
                log.exception("a turn of the desk failed (%d faults so far)", self._faults)

    def warn(self, code: str, message: str) -> None:
        """Tell the producers of something that went wrong outside the show's own rules."""
        self._put(lambda now: self._show.warn(code, message, now))

    def _timers(self, now: Moment) -> None:
        self._ledger.look(now.mono)
        if now.mono - self._again_at >= AGAIN_SECONDS:
            self._again_at = now.mono
            order = step(self._show.state, self._again, now.wall)
            if order is not None:
                self._show.command(MACHINE, order, now)
        self._crowd.end_silent(now.mono)
        if now.mono - self._audience_at >= AUDIENCE_SECONDS:
            self._audience_at = now.mono
            viewers, screens = self.count_audience()
            viewers += self._crowd.by_http(Role.VIEWER)
            self._show.audience(viewers, screens + self._crowd.by_http(Role.SCREEN))
        if now.mono - self._health_at >= HEALTH_SECONDS:
            self._health_at = now.mono
            if self._crowd.has_producers():
                self._crowd.tell_health(self._stage.health())

    async def _settle(self, now: Moment) -> None:
        """Journal what has happened; then do it, answer it, and tell it."""
        records, answers = self._show.collect()
        if records:
            _log(records)
            await self._ledger.write(records, now.mono)
        self._guard(self._direct, now)
        self._ledger.owe(answers)
        for answer in self._ledger.due():
            self._guard(partial(self._answer, answer), now)
        self._guard(self._tell, now)

    def _direct(self, now: Moment) -> None:
        for seat in self._show.state.roster.seats.values():
            if seat.removed:
                self._crowd.end_person(seat.person.id, REMOVED)
        self._director.direct(self._show.state)

    def _tell(self, now: Moment) -> None:
        self._crowd.tell_state(self._show.state, now.wall)

    def _answer(self, answer: Answer, now: Moment) -> None:
        for client in self._asked.pop((answer.person, answer.id), ()):
            if answer.error is None:
                client.send({"type": "done", "id": answer.id})
            else:
                log.info("> %s refused %s: %s", client.id, answer.id, answer.error["code"])
                client.refuse(answer.id, answer.error)


def _died(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("the desk has died, the server must be started again", exc_info=error)


def _log(records: list[Record]) -> None:
    for record in records:
        who = f" by {record.person} ({record.id})" if record.id else ""
        log.info("%s%s", ", ".join(map(str, record.facts)) or "nothing to change", who)
