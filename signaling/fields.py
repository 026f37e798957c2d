"""(P) Reads the fields of a message from a client: exact types, lengths and ranges, or a refusal."""

import json
import re
from typing import Any, NoReturn

from signaling.event import LAYOUTS, TRANSITIONS
from signaling.refusal import Refused

MAX_MESSAGE = 65536  # bytes of UTF-8
MAX_ID = 64
MAX_NAME = 64  # of a talk, a person, a page
MAX_NAMES = 100  # people that one message may list
MAX_STATS = 32
MAX_STAT = 64  # characters of a statistic that is a string
MAX_NUMBER = 1e15
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
NEW_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


_MISSING: Any = object()


def load(text: str) -> "Fields":
    """The fields of a JSON object. Raises Refused `malformed`."""
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
    return Fields(loaded)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class Fields:
    """Each method raises Refused `malformed` naming the field and the rule."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def get(self, key: str) -> Any:
        return self._fields.get(key)

    def has(self, key: str) -> bool:
        """Whether it is there and not null."""
        return self._fields.get(key) is not None

    def require(self, key: str) -> None:
        if key not in self._fields:
            raise malformed(key, "is missing")

    def text(self, key: str, limit: int, default: str = _MISSING) -> str:
        value = self._fields.get(key, default)
        if value is None and default is not _MISSING:
            return default
        if value is _MISSING:
            raise malformed(key, "is missing")
        if not isinstance(value, str) or len(value) > limit:
            raise malformed(key, f"must be a string of at most {limit} characters")
        return value

    def id(self) -> str:
        value = self.text("id", MAX_ID)
        if not value or not value.isprintable():
            raise malformed("id", f"must be 1 to {MAX_ID} printable characters")
        return value

    def name(self, key: str) -> str | None:
        """An optional id of a talk or a person."""
        return None if self._fields.get(key) is None else self.text(key, MAX_NAME)

    def a_name(self, key: str) -> str:
        """An id that must be there."""
        return self.text(key, MAX_NAME)

    def new_name(self, key: str) -> str | None:
        """An optional id for something new."""
        value = self.name(key)
        if value is not None and not NEW_ID.fullmatch(value):
            raise malformed(key, "must be 1 to 40 small letters, digits, - or _")
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """A list of different ids, at least one."""
        value = self._fields.get(key)
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_NAMES:
            raise malformed(key, f"must be a list of 1 to {MAX_NAMES} ids")
        if not all(isinstance(one, str) and len(one) <= MAX_NAME for one in value):
            raise malformed(key, f"must hold strings of at most {MAX_NAME} characters")
        if len(set(value)) != len(value):
            raise malformed(key, "must name each once")
        return tuple(value)

    def words(self, key: str, limit: int) -> str:
        """A text for people that must be there and not be blank."""
        value = self.line(key, limit)
        if value is None or not value.strip():
            raise malformed(key, f"must be a text of 1 to {limit} characters")
        return value

    def line(self, key: str, limit: int) -> str | None:
        """An optional text for people: one line, without control characters."""
        if self._fields.get(key) is None:
            return None
        value = self.text(key, limit)
        if CONTROL.search(value):
            raise malformed(key, "must be one line, without control characters")
        return value

    def flag(self, key: str, default: bool = _MISSING) -> bool:
        value = self._fields.get(key, default)
        if not isinstance(value, bool):
            raise malformed(key, "must be true or false")
        return value

    def number(self, key: str) -> int | float:
        value: Any = self._fields.get(key)
        if not _is_number(value):
            raise malformed(key, "must be a number")
        number: int | float = value
        return number

    def between(self, key: str, low: float, high: float) -> float:
        value = self.number(key)
        if not low <= value <= high:
            raise malformed(key, f"must be a number from {low:g} to {high:g}")
        return float(value)

    def seconds(self, key: str) -> float | None:
        """An optional time: epoch milliseconds as Unix seconds."""
        return None if self._fields.get(key) is None else self.number(key) / 1000

    def revision(self) -> int | None:
        value = self._fields.get("revision")
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_NUMBER:
            raise malformed("revision", "must be a whole number")
        return value

    def transition(self) -> str:
        value = self.text("transition", MAX_NAME, "cut")
        if value not in TRANSITIONS:
            raise malformed("transition", f"must be one of {', '.join(TRANSITIONS)}")
        return value

    def layout(self, default: str = _MISSING) -> str:
        value = self.text("layout", MAX_NAME, default)
        if value not in LAYOUTS:
            raise Refused("bad_layout", f"The layout must be one of {', '.join(LAYOUTS)}.")
        return value

    def inner(self, key: str) -> "Fields":
        value = self._fields.get(key, {})
        if not isinstance(value, dict):
            raise malformed(key, "must be an object")
        return Fields(value)

    def stats(self) -> dict[str, int | float | str]:
        if len(self._fields) > MAX_STATS:
            raise malformed("stats", f"must have at most {MAX_STATS} keys")
        for key, value in self._fields.items():
            fits = isinstance(value, str) and len(value) <= MAX_STAT
            if len(key) > MAX_STAT or not (value is None or fits or _is_number(value)):
                raise malformed("stats", "must be flat, of numbers and short strings")
        return {key: value for key, value in self._fields.items() if value is not None}

    def name_command(self, refused: Refused) -> None:
        """Tell the client which of its commands was refused, if it can be told."""
        value = self._fields.get("id")
        if isinstance(value, str) and 0 < len(value) <= MAX_ID:
            refused.id = value


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= MAX_NUMBER  # false for NaN; right for any integer


def malformed(key: str, rule: str) -> Refused:
    return Refused("malformed", f"{key} {rule}.", key=key)
