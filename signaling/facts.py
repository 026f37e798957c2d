"""(P) The facts: what has happened to the show. The journal is a list of them, the state their sum.

A command is decided once, when it comes; what it led to is written down as facts and never decided again, so
a restart cannot come to another conclusion. Names and fields are stored: add fields with defaults, never
rename one.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from signaling.event import Slate


@dataclass(frozen=True, slots=True)
class Came:
    """A person's page is connected."""

    person: str


@dataclass(frozen=True, slots=True)
class Left:
    """A person's last page has gone."""

    person: str


@dataclass(frozen=True, slots=True)
class Readied:
    """A person said that they are ready to go on air, or no longer are."""

    person: str
    ready: bool


@dataclass(frozen=True, slots=True)
class FeedUp:
    """A feed of this person has begun; `kind` is camera, slides or clip."""

    feed: str
    owner: str
    kind: str


@dataclass(frozen=True, slots=True)
class FeedDown:
    """A feed has ended, and why."""

    feed: str
    reason: str


@dataclass(frozen=True, slots=True)
class Cued:
    """This talk is next; None: nothing is."""

    talk: str | None


@dataclass(frozen=True, slots=True)
class Began:
    """A hand-off started. `talk` None: to the slate. `person` and `command` name the command that asked.

    `hold`: the talk that leaves the air is interrupted, not over.
    """

    token: str
    talk: str | None
    by: str
    person: str = ""
    command: str = ""
    layout: str = "full"
    transition: str = "cut"
    slate: Slate | None = None
    hold: bool = False
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Committed:
    """All is fit: the mixer is told to show the target at its next frame."""

    token: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The target's first frame has left the mixer: it is on air."""

    token: str


@dataclass(frozen=True, slots=True)
class Aborted:
    """The hand-off ended where it began. `again`: show what is on air once more, under this token."""

    token: str
    code: str
    message: str
    again: str | None = None
    feeds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FellBack:
    """The slate is on air because what should be cannot. `ends`: a running hand-off ended in this."""

    token: str
    code: str
    message: str
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """The talk that fell back is on air again."""

    token: str


@dataclass(frozen=True, slots=True)
class Rescened:
    """The talk on air is drawn in another layout."""

    token: str
    layout: str
    transition: str = "cut"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many watch."""

    viewers: int
    screens: int


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the producers must know."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """The server began again: every connection and feed is gone until it returns."""


Fact = (
    Came | Left | Readied | FeedUp | FeedDown | Cued | Began | Committed | Confirmed | Aborted
    | FellBack | Returned | Rescened | Counted | Warned | Restarted
)  # fmt: skip

_FACTS: Mapping[str, type[Any]] = MappingProxyType({fact.__name__: fact for fact in Fact.__args__})


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the journal: when (Unix seconds), who asked what under which id, and what it led to."""

    at: float
    facts: tuple[Fact, ...]
    person: str = ""
    id: str = ""
    command: str = ""


def encode(facts: Iterable[Fact]) -> str:
    """Facts as JSON text, for the journal."""
    return json.dumps([{"fact": type(fact).__name__, **asdict(fact)} for fact in facts], ensure_ascii=False)


def decode(text: str) -> tuple[Fact, ...]:
    """The reverse of `encode`. Raises ValueError where the text holds anything else."""
    try:
        return tuple(_decode_one(item) for item in json.loads(text))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a list of facts: {error}") from error


def _decode_one(item: dict[str, Any]) -> Fact:
    fields = dict(item)
    kind = _FACTS[fields.pop("fact")]
    if fields.get("slate") is not None:
        fields["slate"] = Slate(**fields["slate"])
    if "feeds" in fields:
        fields["feeds"] = tuple(fields["feeds"])
    fact: Fact = kind(**fields)
    return fact
