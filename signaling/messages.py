"""(P) What a client may say: one dataclass a message, strictly parsed (docs/protocol.md, section 4).

A field of the wrong type, length or range refuses the whole message; fields that nobody asked for are
ignored, so that an older server understands a newer page.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn

from signaling.event import LAYOUTS, TRANSITIONS
from signaling.refusal import Refused

MAX_MESSAGE = 65536  # bytes of UTF-8
MAX_PASS = 4096  # characters
MAX_ID = 64
MAX_NAME = 64  # of a talk, a person, a page
MAX_TITLE = 120
MAX_TEXT = 500
MAX_STATS = 32
MAX_STAT = 64  # characters of a statistic that is a string
MAX_NUMBER = 1e15


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message: who I am. An empty `token` is an anonymous viewer."""

    token: str = field(repr=False)  # never in a log
    page: str = ""


@dataclass(frozen=True, slots=True)
class Ping:
    sent: int | float


@dataclass(frozen=True, slots=True)
class Report:
    """A page's own statistics."""

    stats: dict[str, int | float | str]


@dataclass(frozen=True, slots=True)
class Command:
    """What all commands have. `id` is the client's; with `revision`, refused if the show moved on since."""

    id: str
    revision: int | None = field(default=None, kw_only=True)

    def as_text(self) -> str:
        """The command in one canonical line: the same text is the same command."""
        return json.dumps({"type": _TYPES[type(self)], **asdict(self)}, ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Ready(Command):
    """`person` None: I myself."""

    ready: bool
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Cue(Command):
    """`talk` None: nothing is next."""

    talk: str | None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Take(Command):
    """`talk` None: the one on standby."""

    talk: str | None = None
    transition: str = "cut"
    force: bool = False


@dataclass(frozen=True, slots=True)
class ShowSlate(Command):
    """What is not given is as in the config. `until` in Unix seconds. `hold`: the talk is not over."""

    title: str | None = None
    message: str | None = None
    until: float | None = None
    hold: bool = False


@dataclass(frozen=True, slots=True)
class SetScene(Command):
    layout: str
    transition: str = "cut"


@dataclass(frozen=True, slots=True)
class PassFloor(Command):
    """The speaker on air has finished."""


_TYPES: Mapping[type[Command], str] = MappingProxyType({
    Ready: "ready",
    Cue: "cue",
    Take: "take",
    ShowSlate: "slate",
    SetScene: "scene",
    PassFloor: "pass_floor",
})  # fmt: skip

Message = Hello | Ping | Report | Ready | Cue | Take | ShowSlate | SetScene | PassFloor


def parse(text: str) -> Message:
    """One message from a client. Raises Refused: `malformed`, `unknown_type` or `bad_layout`.

    A refusal has the field `id` where the message had a usable one.
    """
    fields = _Fields(_load(text))
    try:
        return _parse(fields)
    except Refused as refused:
        fields.name_command(refused)
        raise


def _load(text: str) -> dict[str, Any]:
    try:
        size = len(text.encode())
        if size > MAX_MESSAGE:
            raise Refused("malformed", f"A message may have at most {MAX_MESSAGE} bytes.")
        loaded = json.loads(text, parse_constant=_no_constant)
        json.dumps(loaded, ensure_ascii=False).encode()  # escapes can smuggle in what UTF-8 cannot carry
    except (ValueError, RecursionError) as error:  # UnicodeError is a ValueError
        raise Refused("malformed", "A message must be a JSON object in UTF-8.") from error
    if not isinstance(loaded, dict):
        raise Refused("malformed", "A message must be a JSON object.")
    return loaded


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parse(fields: "_Fields") -> Message:
    match fields.text("type", MAX_NAME):
        case "hello":
            client = fields.inner("client")
            return Hello(fields.text("pass", MAX_PASS, ""), client.text("page", MAX_NAME, ""))
        case "ping":
            return Ping(fields.number("sent"))
        case "report":
            return Report(fields.inner("stats").stats())
        case "ready":
            ready, person = fields.flag("ready"), fields.name("person")
            return Ready(fields.id(), ready, person, revision=fields.revision())
        case "cue":
            fields.require("talk")
            talk, force = fields.name("talk"), fields.flag("force", False)
            return Cue(fields.id(), talk, force, revision=fields.revision())
        case "take":
            talk, force = fields.name("talk"), fields.flag("force", False)
            return Take(fields.id(), talk, fields.transition(), force, revision=fields.revision())
        case "slate":
            return _slate(fields)
        case "scene":
            return SetScene(fields.id(), fields.layout(), fields.transition(), revision=fields.revision())
        case "pass_floor":
            return PassFloor(fields.id(), revision=fields.revision())
        case other:
            raise Refused("unknown_type", f"There is no message of type {other!r}.")


def _slate(fields: "_Fields") -> ShowSlate:
    title, message = fields.line("title", MAX_TITLE), fields.line("message", MAX_TEXT)
    until = None if fields.get("until") is None else fields.number("until") / 1000
    hold = fields.flag("hold", False)
    return ShowSlate(fields.id(), title, message, until, hold, revision=fields.revision())


_MISSING: Any = object()


class _Fields:
    """Reads fields of exact types; each method raises Refused `malformed` naming the field and the rule."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def get(self, key: str) -> Any:
        return self._fields.get(key)

    def require(self, key: str) -> None:
        if key not in self._fields:
            raise _malformed(key, "is missing")

    def text(self, key: str, limit: int, default: str = _MISSING) -> str:
        value = self._fields.get(key, default)
        if value is None and default is not _MISSING:
            return default
        if value is _MISSING:
            raise _malformed(key, "is missing")
        if not isinstance(value, str) or len(value) > limit:
            raise _malformed(key, f"must be a string of at most {limit} characters")
        return value

    def id(self) -> str:
        value = self.text("id", MAX_ID)
        if not value or not value.isprintable():
            raise _malformed("id", f"must be 1 to {MAX_ID} printable characters")
        return value

    def name(self, key: str) -> str | None:
        """An optional id of a talk or a person."""
        return None if self._fields.get(key) is None else self.text(key, MAX_NAME)

    def line(self, key: str, limit: int) -> str | None:
        """An optional text for people, without control characters."""
        if self._fields.get(key) is None:
            return None
        value = self.text(key, limit)
        if any(ord(sign) < 32 and sign != "\n" for sign in value):
            raise _malformed(key, "must not hold control characters")
        return value

    def flag(self, key: str, default: bool = _MISSING) -> bool:
        value = self._fields.get(key, default)
        if not isinstance(value, bool):
            raise _malformed(key, "must be true or false")
        return value

    def number(self, key: str) -> int | float:
        value: Any = self._fields.get(key)
        if not _is_number(value):
            raise _malformed(key, "must be a number")
        number: int | float = value
        return number

    def revision(self) -> int | None:
        value = self._fields.get("revision")
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_NUMBER:
            raise _malformed("revision", "must be a whole number")
        return value

    def transition(self) -> str:
        value = self.text("transition", MAX_NAME, "cut")
        if value not in TRANSITIONS:
            raise _malformed("transition", f"must be one of {', '.join(TRANSITIONS)}")
        return value

    def layout(self) -> str:
        value = self.text("layout", MAX_NAME)
        if value not in LAYOUTS:
            raise Refused("bad_layout", f"The layout must be one of {', '.join(LAYOUTS)}.")
        return value

    def inner(self, key: str) -> "_Fields":
        value = self._fields.get(key, {})
        if not isinstance(value, dict):
            raise _malformed(key, "must be an object")
        return _Fields(value)

    def stats(self) -> dict[str, int | float | str]:
        if len(self._fields) > MAX_STATS:
            raise _malformed("stats", f"must have at most {MAX_STATS} keys")
        for key, value in self._fields.items():
            fits = isinstance(value, str) and len(value) <= MAX_STAT
            if len(key) > MAX_STAT or not (value is None or fits or _is_number(value)):
                raise _malformed("stats", "must be flat, of numbers and short strings")
        return {key: value for key, value in self._fields.items() if value is not None}

    def name_command(self, refused: Refused) -> None:
        """Tell the client which of its commands was refused, if it can be told."""
        value = self._fields.get("id")
        if isinstance(value, str) and 0 < len(value) <= MAX_ID:
            refused.id = value


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) <= MAX_NUMBER


def _malformed(key: str, rule: str) -> Refused:
    return Refused("malformed", f"{key} {rule}.", key=key)
