"""(P) Tables as TOML gives them -> dataclasses, each field within its rules; errors name key and rule."""

import re
from dataclasses import MISSING, field, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from broadcast.errors import ConfigError

ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def rule(
    default: Any = MISSING,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    ident: bool = False,
    even: bool = False,
    full: bool = False,
    secret: bool = False,
) -> Any:
    """A field of the configuration with the rule that its value obeys; a `secret` is not shown by `repr`."""
    rules = {"low": low, "high": high, "choices": choices, "ident": ident, "even": even, "full": full}
    if default is MISSING:
        return field(metadata=rules, repr=not secret)
    return field(default=default, metadata=rules, repr=not secret)


T = TypeVar("T")


def record(cls: type[T], table: Any, where: str) -> T:
    """One table as its dataclass."""
    if not isinstance(table, dict):
        raise ConfigError(where, "must be a table")
    hints = get_type_hints(cls)
    known = {item.name: item for item in fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            names = ", ".join(sorted(name for name in known if name != "folder"))
            raise ConfigError(_join(where, key), f"is not a key here; there are {names}")
    values = {}
    for name, item in known.items():
        key = _join(where, name)
        if name in table:
            values[name] = _value(hints[name], table[name], key, dict(item.metadata))
        elif item.default is MISSING and item.default_factory is MISSING:
            raise ConfigError(key, "is required")
    return cls(**values)


def _value(kind: Any, value: Any, key: str, rules: dict[str, Any]) -> Any:
    """One value of the type that its field declares, within its rules."""
    if get_origin(kind) in (Union, UnionType):
        kind = next(choice for choice in get_args(kind) if choice is not type(None))
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ConfigError(key, "must be a list")
        return tuple(_value(get_args(kind)[0], each, f"{key}[{n}]", rules) for n, each in enumerate(value))
    if is_dataclass(kind) and isinstance(kind, type):
        return record(kind, value, key)
    if kind is Path:
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigError(key, f"must be {_NAMES[kind]}")
    return _within(value, key, rules)


_NAMES = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    datetime: "a date and time, such as 2023-03-29T14:00:00+08:00",
}


def _within(value: Any, key: str, rules: dict[str, Any]) -> Any:
    """The value, if it obeys its rules."""
    low, high, choices = rules.get("low"), rules.get("high"), rules.get("choices")
    if isinstance(value, str) and CONTROL.search(value):
        raise ConfigError(key, "must be one line, without control characters")
    if rules.get("full") and not value.strip():
        raise ConfigError(key, "must not be empty")
    if rules.get("ident") and not ID.fullmatch(value):
        raise ConfigError(key, "must be 1 to 40 small letters, digits, - or _, such as lanvin")
    if choices and value not in choices:
        raise ConfigError(key, f"must be one of {', '.join(choices)}")
    if low is not None and not low <= value:
        raise ConfigError(key, f"must be at least {low:g}")
    if high is not None and not value <= high:
        raise ConfigError(key, f"must be at most {high:g}")
    if rules.get("even") and value % 2:
        raise ConfigError(key, "must be even")
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ConfigError(key, "must name its offset from UTC, such as +08:00")
    return value


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
