"""(P) How `signaling` says no: one exception with a stable code, a sentence for a person, and fields.

    Refused            a message or command that is not carried out; nothing has changed
    └── PassRefused    no pass, a wrong one, or one without the role; also has the HTTP `status`

On every wire the shape is `{"error": {"code": ..., "message": ..., **fields}}` (docs/protocol.md, section 2).
"""

from typing import Any


class Refused(Exception):
    """`code` is for programs and never changes; `message` tells a person what to do.

    `id` is the client's id of the refused command, where it had one.
    """

    id: str | None = None

    def __init__(self, code: str, message: str, **fields: Any) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.fields = fields

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def as_json(self) -> dict[str, Any]:
        """The one error shape, also for HTTP bodies."""
        return {"error": {"code": self.code, "message": self.message, **self.fields}}


class PassRefused(Refused):
    """`status` is 401 where a (better) pass would help, 403 where this one never will."""

    def __init__(self, code: str, status: int, message: str, **fields: Any) -> None:
        super().__init__(code, message, **fields)
        self.status = status
