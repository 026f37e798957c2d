"""(P) The commands: what producers and speakers may ask for (docs/protocol.md, section 4)."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Command:
    """What all commands have. `id` is the client's; with `revision`, refused if the show moved on since."""

    TYPE: ClassVar[str] = ""
    DO: ClassVar[str] = ""  # which one, of a type that has several

    id: str
    revision: int | None = field(default=None, kw_only=True)

    def as_text(self) -> str:
        """The command in one canonical line: the same text is the same command."""
        kind = {"type": self.TYPE, "do": self.DO} if self.DO else {"type": self.TYPE}
        return json.dumps({**kind, **asdict(self)}, ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Ready(Command):
    """`person` None: I myself."""

    TYPE: ClassVar[str] = "ready"

    ready: bool
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Cue(Command):
    """`talk` None: nothing is next."""

    TYPE: ClassVar[str] = "cue"

    talk: str | None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Take(Command):
    """`talk` None: the one on standby."""

    TYPE: ClassVar[str] = "take"

    talk: str | None = None
    transition: str = "cut"
    force: bool = False


@dataclass(frozen=True, slots=True)
class ShowSlate(Command):
    """What is not given is as in the config. `until` in Unix seconds. `hold`: the talk is not over."""

    TYPE: ClassVar[str] = "slate"

    title: str | None = None
    message: str | None = None
    until: float | None = None
    hold: bool = False


@dataclass(frozen=True, slots=True)
class SetScene(Command):
    """Another layout for the talk on air."""

    TYPE: ClassVar[str] = "scene"

    layout: str
    transition: str = "cut"


@dataclass(frozen=True, slots=True)
class PassFloor(Command):
    """The speaker on air has finished."""

    TYPE: ClassVar[str] = "pass_floor"


@dataclass(frozen=True, slots=True)
class SetLevel(Command):
    """How loud a speaker is on air; None: as it is."""

    TYPE: ClassVar[str] = "level"

    person: str
    gain_db: float | None = None
    muted: bool | None = None


@dataclass(frozen=True, slots=True)
class TalkBack(Command):
    """The producer speaks into these ears, or (`on` False) no longer; `to` None: into all speakers'."""

    TYPE: ClassVar[str] = "talkback"

    on: bool
    to: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SendText(Command):
    """A text cue; `to` holds ids, or is one of the words `stage` and `all`."""

    TYPE: ClassVar[str] = "message"

    to: tuple[str, ...] | str
    text: str


@dataclass(frozen=True, slots=True)
class Acknowledge(Command):
    """The speaker has read a text cue."""

    TYPE: ClassVar[str] = "ack"

    message: str


@dataclass(frozen=True, slots=True)
class Remove(Command):
    """Out with this person."""

    TYPE: ClassVar[str] = "remove"

    person: str


@dataclass(frozen=True, slots=True)
class Admit(Command):
    """Takes `Remove` back."""

    TYPE: ClassVar[str] = "admit"

    person: str


@dataclass(frozen=True, slots=True)
class Reair(Command):
    """`what`: "event" or a talk's id. `at` in Unix seconds; None: now, a loop once nothing is live."""

    TYPE: ClassVar[str] = "reair"

    what: str
    at: float | None = None
    loop: bool = False


@dataclass(frozen=True, slots=True)
class CancelReair(Command):
    """Takes `Reair` back."""

    TYPE: ClassVar[str] = "reair_cancel"

    plan: str


@dataclass(frozen=True, slots=True)
class Edit(Command):
    """A change of the rundown or the slate; `DO` says which."""

    TYPE: ClassVar[str] = "edit"


@dataclass(frozen=True, slots=True)
class Move(Edit):
    """`before` None: last."""

    DO: ClassVar[str] = "move"

    talk: str
    before: str | None


@dataclass(frozen=True, slots=True)
class Add(Edit):
    """A new talk; `talk` None: the server names it. `start` in Unix seconds."""

    DO: ClassVar[str] = "add"

    title: str
    minutes: float
    speakers: tuple[str, ...] = ()
    clip: str | None = None
    talk: str | None = None
    before: str | None = None
    start: float | None = None
    layout: str = "full"
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Skip(Edit):
    DO: ClassVar[str] = "skip"

    talk: str


@dataclass(frozen=True, slots=True)
class Unskip(Edit):
    DO: ClassVar[str] = "unskip"

    talk: str


@dataclass(frozen=True, slots=True)
class Extend(Edit):
    """`minutes` more than now, or fewer."""

    DO: ClassVar[str] = "extend"

    talk: str
    minutes: float


@dataclass(frozen=True, slots=True)
class Retime(Edit):
    """`start` in Unix seconds; None: when the talk before ends."""

    DO: ClassVar[str] = "retime"

    talk: str
    start: float | None


@dataclass(frozen=True, slots=True)
class Retitle(Edit):
    DO: ClassVar[str] = "retitle"

    talk: str
    title: str


@dataclass(frozen=True, slots=True)
class Redraw(Edit):
    """Another layout for a talk that is not on air."""

    DO: ClassVar[str] = "layout"

    talk: str
    layout: str


@dataclass(frozen=True, slots=True)
class Automate(Edit):
    """Whether the talk goes on by itself."""

    DO: ClassVar[str] = "automatic"

    talk: str
    automatic: bool


@dataclass(frozen=True, slots=True)
class Reslate(Edit):
    """What the slate says from now on; None: as it does."""

    DO: ClassVar[str] = "slate"

    title: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Aim(Command):
    """A change of where the programme is sent; `DO` says which."""

    TYPE: ClassVar[str] = "target"


@dataclass(frozen=True, slots=True)
class AddTarget(Aim):
    """A new target; `target` None: the server names it. `on`: the programme is sent there at once."""

    DO: ClassVar[str] = "add"

    name: str
    url: str = field(repr=False)
    key: str = field(default="", repr=False)
    target: str | None = None
    on: bool = False

    def as_text(self) -> str:
        """With the secrets' digest in their place: the journal holds them once, in the fact."""
        digest = hashlib.sha256(f"{self.url} {self.key}".encode()).hexdigest()
        return Aim.as_text(replace(self, url=digest, key=""))


@dataclass(frozen=True, slots=True)
class RemoveTarget(Aim):
    DO: ClassVar[str] = "remove"

    target: str


@dataclass(frozen=True, slots=True)
class StartTarget(Aim):
    DO: ClassVar[str] = "start"

    target: str


@dataclass(frozen=True, slots=True)
class StopTarget(Aim):
    DO: ClassVar[str] = "stop"

    target: str
