"""The exceptions that `broadcast` raises on purpose, and the one shape in which people see them.

    PavilionError               has a stable `code`, a sentence for a person, an HTTP `status`, extra `fields`
    ├── ConfigError             config.toml breaks a rule; names the key and the rule (exit status 2)
    ├── RequestError            somebody asked for something that cannot be; 4xx
    │   ├── PassError           no pass, a wrong or expired one, or one without the role for it; 401 or 403
    │   ├── OfferError          an SDP offer that cannot be answered
    │   ├── TargetError         an address to which the programme cannot be sent
    │   ├── NotFound            no such session, feed, talk or page
    │   └── MethodRefused       a method of HTTP that is not for this address; says which are
    ├── MalformedError          bytes from the network that no standard allows; the packet is dropped
    └── MediaError              a file, decoder or encoder failed

On every wire the shape is `{"error": {"code": ..., "message": ..., **fields}}`.
"""

from typing import Any


class PavilionError(Exception):
    """Base of all. `code` is stable and for programs, `message` is for people and says what to do."""

    code = "internal"
    status = 500

    def __init__(
        self, message: str, *, code: str | None = None, status: int | None = None, **fields: Any
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status
        self.fields = fields

    def __str__(self) -> str:
        return self.message

    def as_json(self) -> dict[str, Any]:
        """The one error shape of every HTTP body and WebSocket message."""
        return {"error": {"code": self.code, "message": self.message, **self.fields}}


class ConfigError(PavilionError):
    """`config.toml` breaks a rule. `str()` is one line that names the key and the rule."""

    code = "bad_config"

    def __init__(self, key: str, rule: str) -> None:
        # One line even when the file holds a key or a value of several.
        super().__init__(" ".join(f"{key}: {rule}".split()), key=key)
        self.key = key
        self.rule = rule


class RequestError(PavilionError):
    """A request that cannot be served as asked; the sender can mend it."""

    code = "bad_request"
    status = 400


class PassError(RequestError):
    """No pass, a wrong or expired one (401), or one without the role for this (403)."""

    code = "bad_pass"
    status = 401


class OfferError(RequestError):
    """An SDP offer that cannot be answered."""

    code = "bad_offer"
    status = 400


class TargetError(RequestError):
    """An address to which the programme cannot be sent. Its message holds nothing of it or its key."""

    code = "bad_target"


class NotFound(RequestError):
    """What the request names does not exist (any more)."""

    code = "not_found"
    status = 404


class MethodRefused(RequestError):
    """A method that is not for this address; `allow` names those that are (RFC 9110, section 10.2.1)."""

    code = "method_not_allowed"
    status = 405

    def __init__(self, message: str, allow: str, *, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.allow = allow


class MalformedError(PavilionError):
    """Bytes from the network that break their standard. The caller drops them and counts."""

    code = "malformed"
    status = 400


class MediaError(PavilionError):
    """A media file, decoder or encoder failed."""

    code = "bad_media"
