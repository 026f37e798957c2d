"""(P) The hand-off machine: what is on air, and how that changes.

      take, slate, pass the floor
                |
             PREPARE ---- pictures missing, mixer down, time up ---> abort: what was on air stays
                |         or its people have gone (`show.py`)
                | the target is fit
             COMMIT ----- the mixer does not answer in time -------> abort, or fall back to the slate
                | the mixer has sent the first frame                 when what was on air is dead too
             CONFIRM: the target is on air

A `Floor` is a value. Its questions (`begin`, `advance`, `shown`, ...) answer with facts and change nothing;
`apply` takes a fact and returns the floor after it. One hand-off runs at a time, and each ends within
`PREPARE_SECONDS` + `COMMIT_SECONDS` in Confirmed, Aborted or FellBack.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from signaling.event import Moment, Sight, Slate, Talk
from signaling.facts import (
    Aborted,
    Began,
    Committed,
    Confirmed,
    Ended,
    Fact,
    FellBack,
    Lost,
    Rescened,
    Reslated,
    Restarted,
    Retitled,
    Returned,
    Seen,
)

PREPARE_SECONDS = 2.0  # for a feed that was not staged to show its first picture: a keyframe and its decoding
FORCED_SECONDS = 1.0  # the same where a producer takes the talk anyway
COMMIT_SECONDS = 2.0  # for the mixer's answer; a killed mixer is back within one
RESTART_SECONDS = 10.0  # the same after a restart of the server, while the mixer and the speakers return


class Phase(StrEnum):
    """How far a hand-off is."""

    PREPARE = "prepare"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True)
class Air:
    """The one thing on air: the talk, or the slate when `talk` is None.

    `token` names this picture to the mixer. `held` is a talk that was interrupted; with `returns` it comes
    back by itself. `layout` is the talk's (the held one's, too). `forced`: taken without asking for pictures,
    and not seen with any since. `airing` is the token with which the talk came on air, so that its clip goes
    on when it is shown anew.
    `lost` are its feeds that have died, without which it is drawn. `ended`: its clip is over, so something
    has to follow; `stranded`: what was to follow could not come, so it will be the slate.
    """

    token: str
    talk: str | None
    since: float
    slate: Slate
    layout: str = "full"
    transition: str = "cut"
    held: str | None = None
    returns: bool = False
    forced: bool = False
    lost: tuple[str, ...] = ()
    airing: str = ""
    ended: bool = False
    stranded: bool = False


@dataclass(frozen=True, slots=True)
class HandOff:
    """A running hand-off; `until` is when its phase must have ended (monotonic)."""

    order: Began
    until: float
    phase: Phase = Phase.PREPARE

    @property
    def target(self) -> str:
        return self.order.talk or "slate"


@dataclass(frozen=True, slots=True)
class Picture:
    """What the mixer is to show: a talk, or the slate when `talk` is None. Told anew when `token` changes;
    with the same `airing` it goes on where it is. `since`: Unix seconds from which on it is on air; None: it
    begins now."""

    token: str
    talk: str | None
    layout: str
    slate: Slate
    transition: str
    lost: tuple[str, ...] = ()
    airing: str = ""
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """What is on air and, while one runs, the hand-off that will change it."""

    air: Air
    default_slate: Slate
    hand_off: HandOff | None = None

    @classmethod
    def of(cls, slate: Slate, since: float) -> "Floor":
        """The slate on air, as before every show."""
        return cls(Air("0", None, since, slate), slate)

    @property
    def picture(self) -> Picture:
        """What the mixer is to show: the target once committed, else what is on air."""
        if self.hand_off is not None and self.hand_off.phase is Phase.COMMIT:
            order = self.hand_off.order
            slate = order.slate or self.air.slate
            return Picture(order.token, order.talk, order.layout, slate, order.transition, airing=order.token)
        air = self.air
        return Picture(
            air.token, air.talk, air.layout, air.slate, air.transition, air.lost, air.airing, air.since
        )

    def advance(
        self, now: Moment, sight: Sight, target: Talk | None, air_alive: bool, token: str
    ) -> list[Fact]:
        """The next step of the running hand-off, if it is due; call until it answers with nothing.

        `target` is the talk it leads to, `air_alive` whether what is on air still has a picture, `token` a
        new name for what may have to be shown instead.
        """
        if self.hand_off is None:
            return []
        if self.hand_off.phase is Phase.COMMIT:
            return self._overdue(now, sight, air_alive, token)
        return self._prepare(now, sight, target)

    def _prepare(self, now: Moment, sight: Sight, target: Talk | None) -> list[Fact]:
        assert self.hand_off is not None
        order, late = self.hand_off.order, now.mono >= self.hand_off.until
        if order.talk is None:
            return [Committed(order.token)]  # the slate needs nobody, and waits for no mixer
        assert target is not None, "begin() was given a talk of the rundown"
        if not sight.mixer_up():
            return [Aborted(order.token, "mixer_down", "The mixer is starting.")] if late else []
        missing = tuple(sight.missing(target))
        if not missing or (late and order.forced):
            return [Committed(order.token)]
        if not late:
            return []
        return [Aborted(order.token, "no_picture", f"No picture from {', '.join(missing)}.", feeds=missing)]

    def _overdue(self, now: Moment, sight: Sight, air_alive: bool, token: str) -> list[Fact]:
        assert self.hand_off is not None
        if now.mono < self.hand_off.until:
            return []
        order = self.hand_off.order
        code = "mixer_late" if sight.mixer_up() else "mixer_down"
        message = "The mixer did not show the picture in time."
        if order.talk is None:
            return [FellBack(order.token, code, message, ends=True)]
        if not air_alive:
            return [FellBack(token, code, message, ends=True)]
        return [Aborted(order.token, code, message, again=token)]

    def shown(self, token: str) -> list[Fact]:
        """The mixer has sent the first frame of the picture with this token."""
        running = self.hand_off
        if running is None or running.phase is not Phase.COMMIT or running.order.token != token:
            return []  # an older picture, or one shown again by a mixer that came back
        return [Confirmed(token)]

    def apply(self, fact: Fact, now: Moment) -> "Floor":
        """The floor after this fact; facts that do not concern it leave it as it is."""
        match fact:
            case Began():
                assert self.hand_off is None, "one hand-off at a time: the caller refuses or ends the first"
                patience = FORCED_SECONDS if fact.forced else PREPARE_SECONDS
                return replace(self, hand_off=HandOff(fact, now.mono + patience))
            case Committed():
                return self._committed(fact, now)
            case Confirmed():
                return self._confirmed(fact, now)
            case Aborted():
                air = replace(self.air, token=fact.again, transition="cut") if fact.again else self.air
                return replace(self, air=replace(air, stranded=air.ended), hand_off=None)
            case FellBack():
                return self._fell_back(fact, now)
            case Returned():
                return self._returned(fact, now)
            case Seen():
                return replace(self, air=replace(self.air, forced=False))
            case Rescened():
                air = replace(self.air, token=fact.token, layout=fact.layout, transition=fact.transition)
                return replace(self, air=air)
            case Lost(token, feeds):
                return replace(self, air=replace(self.air, token=token, lost=feeds, transition="cut"))
            case Ended():
                return replace(self, air=replace(self.air, ended=True))
            case Retitled(token=str(token)):
                return replace(self, air=replace(self.air, token=token, transition="cut"))
            case Reslated():
                return self._reslated(fact)
            case Restarted():
                return self._restarted(now)
            case _:
                return self

    def _committed(self, fact: Committed, now: Moment) -> "Floor":
        running = self.hand_off
        assert running is not None
        assert running.order.token == fact.token, "only the hand-off that runs can be committed"
        return replace(self, hand_off=HandOff(running.order, now.mono + COMMIT_SECONDS, Phase.COMMIT))

    def _confirmed(self, fact: Confirmed, now: Moment) -> "Floor":
        running = self.hand_off
        assert running is not None
        assert running.order.token == fact.token, "only the hand-off that runs can be confirmed"
        order = running.order
        if order.talk is None:
            return replace(self, air=self._slated(order, now), hand_off=None)
        air = Air(
            order.token,
            order.talk,
            now.wall,
            self.default_slate,  # the next slate says what the config says, not what the last one said
            order.layout,
            order.transition,
            forced=order.forced,
            airing=order.token,
        )
        return replace(self, air=air, hand_off=None)

    def _slated(self, order: Began, now: Moment) -> Air:
        """The slate that was asked for; a talk is held if the order says so, and then until it is taken."""
        air = self.air
        slate = order.slate or self.default_slate
        if not order.hold:
            return Air(order.token, None, now.wall, slate, transition=order.transition)
        held = air.talk or air.held
        return Air(order.token, None, now.wall, slate, air.layout, order.transition, held)

    def _fell_back(self, fact: FellBack, now: Moment) -> "Floor":
        order = self.hand_off.order if self.hand_off is not None and fact.ends else None
        running = None if fact.ends else self.hand_off
        if order is not None and order.talk is None:
            return replace(self, air=self._slated(order, now), hand_off=None)
        air = self.air
        fallen = Air(fact.token, None, now.wall, air.slate, air.layout, "cut", air.talk or air.held, True)
        return replace(self, air=fallen, hand_off=running)

    def _returned(self, fact: Returned, now: Moment) -> "Floor":
        air = self.air
        assert air.talk is None, "only from the slate can a talk return"
        assert air.held is not None, "only a held talk can return"
        slate, token = self.default_slate, fact.token
        back = Air(token, air.held, now.wall, slate, air.layout, "cut", lost=fact.lost, airing=token)
        return replace(self, air=back)

    def _reslated(self, fact: Reslated) -> "Floor":
        air = replace(self.air, slate=_said(self.air.slate, fact))
        if fact.token is not None:
            air = replace(air, token=fact.token, transition="cut")
        return replace(self, air=air, default_slate=_said(self.default_slate, fact))

    def _restarted(self, now: Moment) -> "Floor":
        """A hand-off that was committed goes on, for its picture may have been seen; all may come back."""
        air, running = replace(self.air, lost=()), self.hand_off
        if running is not None:
            running = replace(running, until=now.mono + RESTART_SECONDS)
        return replace(self, air=air, hand_off=running)


def _said(slate: Slate, fact: Reslated) -> Slate:
    title = slate.title if fact.title is None else fact.title
    return replace(slate, title=title, message=slate.message if fact.message is None else fact.message)
