"""(P) The last packets of an outgoing stream, for those who missed one."""

from typing import Generic, TypeVar

T = TypeVar("T")


class History(Generic[T]):
    """A ring of `size` items (a power of two) by 16-bit sequence number; the newest push out the oldest."""

    def __init__(self, size: int = 2048) -> None:
        assert size & (size - 1) == 0, "the slot of a number must stay the same over its wrap"
        self._mask = size - 1
        self._items: list[tuple[int, T] | None] = [None] * size

    def put(self, sequence: int, item: T) -> None:
        """Keep an item under its number."""
        self._items[sequence & self._mask] = (sequence & 0xFFFF, item)

    def get(self, sequence: int) -> T | None:
        """What was kept under that number, or None if it is gone."""
        slot = self._items[sequence & self._mask]
        return slot[1] if slot is not None and slot[0] == sequence & 0xFFFF else None
