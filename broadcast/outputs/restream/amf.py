"""(P) AMF0, the values in RTMP's commands (Adobe, "Action Message Format", 2007)."""

import struct
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import TypeAlias

from broadcast.errors import MalformedError


class Kind(IntEnum):
    """The markers before values."""

    NUMBER = 0
    BOOLEAN = 1
    TEXT = 2
    OBJECT = 3
    NULL = 5
    UNDEFINED = 6
    ARRAY = 8
    END = 9
    LIST = 10
    DATE = 11
    LONG_TEXT = 12


DEEPEST = 8  # objects within objects
_END = b"\x00\x00\x09"

Value: TypeAlias = "float | bool | str | Mapping[str, Value] | Sequence[Value] | None"


def encode(*values: Value) -> bytes:
    """The values one after the other."""
    return b"".join(map(_encode, values))


def _encode(value: Value) -> bytes:
    if value is None:
        return bytes((Kind.NULL,))
    if isinstance(value, bool):
        return bytes((Kind.BOOLEAN, value))
    if isinstance(value, int | float):
        return struct.pack("!Bd", Kind.NUMBER, value)
    if isinstance(value, str):
        data = value.encode()
        form, kind = ("!BH", Kind.TEXT) if len(data) < 1 << 16 else ("!BI", Kind.LONG_TEXT)
        return struct.pack(form, kind, len(data)) + data
    assert isinstance(value, Mapping), "lists are only received"
    return bytes((Kind.OBJECT,)) + b"".join(_name(key) + _encode(each) for key, each in value.items()) + _END


def _name(name: str) -> bytes:
    data = name.encode()
    return struct.pack("!H", len(data)) + data


def decode(data: bytes) -> list[Value]:
    """All values. Raises MalformedError."""
    reader = _Reader(data)
    values = []
    while reader.left:
        values.append(reader.value(0))
    return values


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def value(self, depth: int) -> Value:
        if depth > DEEPEST:
            raise MalformedError("AMF0 nested too deep")
        match self._take(1)[0]:
            case Kind.NUMBER:
                return float(struct.unpack("!d", self._take(8))[0])
            case Kind.BOOLEAN:
                return bool(self._take(1)[0])
            case Kind.TEXT:
                return self._text(2)
            case Kind.LONG_TEXT:
                return self._text(4)
            case Kind.OBJECT:
                return self._object(depth)
            case Kind.ARRAY:
                self._take(4)
                return self._object(depth)
            case Kind.LIST:
                count = int.from_bytes(self._take(4), "big")
                if count > self.left:
                    raise MalformedError("AMF0 array longer than its message")
                return [self.value(depth + 1) for _ in range(count)]
            case Kind.NULL | Kind.UNDEFINED:
                return None
            case Kind.DATE:
                return float(struct.unpack("!dh", self._take(10))[0])
            case kind:
                raise MalformedError(f"AMF0 type {kind}")

    def _object(self, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while True:
            name = self._text(2)
            if not name and self.left and self._data[self._at] == Kind.END:
                self._at += 1
                return found
            found[name] = self.value(depth + 1)

    def _text(self, octets: int) -> str:
        return self._take(int.from_bytes(self._take(octets), "big")).decode("utf-8", "replace")

    def _take(self, count: int) -> bytes:
        if count > self.left:
            raise MalformedError("AMF0 cut off")
        self._at += count
        return self._data[self._at - count : self._at]
