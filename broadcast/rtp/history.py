"""(P) The last packets of an outgoing stream, for those who missed one."""


class History:
    """A ring of `size` packets (a power of two) by 16-bit sequence number; the newest push out the oldest."""

    def __init__(self, size: int = 1024) -> None:
        assert size & (size - 1) == 0, "the slot of a number must stay the same over its wrap"
        self._mask = size - 1
        self._numbers = [-1] * size
        self._packets = [b""] * size

    def put(self, sequence: int, packet: bytes) -> None:
        """Keep a packet under its number."""
        slot = sequence & self._mask
        self._numbers[slot] = sequence & 0xFFFF
        self._packets[slot] = packet

    def get(self, sequence: int) -> bytes | None:
        """The very bytes that were kept under that number, or None if they are gone."""
        slot = sequence & self._mask
        return self._packets[slot] if self._numbers[slot] == sequence & 0xFFFF else None
