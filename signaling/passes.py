"""Personal links: signed passes (JWT, HS256) that say who somebody is, in which role, until when.

docs/protocol.md, section 1, lists the codes. The secret lives in one file that only the server may read;
whoever has it can make passes, and replacing it makes every link void.
"""

import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from signaling.event import Role
from signaling.refusal import PassRefused

__all__ = ["Claims", "PassRefused", "Passes", "load_or_create_secret"]

SECRET_BYTES = 32
MAX_PASS = 4096  # characters; ours have about 200
_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a pass says. `person` is empty for an anonymous viewer; `expires` in Unix seconds."""

    person: str
    role: str
    event: str
    expires: float


class Passes:
    """Issues and checks the passes of one event."""

    def __init__(self, secret: bytes, event_id: str) -> None:
        self._secret = secret
        self._event = event_id

    def issue(self, person: str, role: str, ttl: float, now: float | None = None) -> str:
        """A pass for `ttl` seconds from `now` (Unix seconds, default: this moment)."""
        issued = int(time.time() if now is None else now)
        claims = {"sub": person, "role": role, "event": self._event, "iat": issued, "exp": issued + int(ttl)}
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def check(self, token: str, now: float) -> Claims:
        """What the pass says at `now` (Unix seconds).

        Raises PassRefused: `pass_missing`, `pass_invalid` or `pass_expired` (401), `pass_foreign` (403).
        """
        if not token:
            raise PassRefused("pass_missing", 401, "This needs a pass; open your personal link.")
        claims = _claims(self._decode(token))
        if claims.event != self._event:
            raise PassRefused("pass_foreign", 403, "This pass is for another event.")
        if claims.expires <= now:
            raise PassRefused("pass_expired", 401, "This pass has expired; ask the organiser for a new link.")
        return claims

    def _decode(self, token: str) -> dict[str, Any]:
        # The times are checked by the caller's clock, so not by the library's.
        options: Any = {"require": ["exp", "sub"], "verify_exp": False, "verify_iat": False}
        try:
            if len(token) > MAX_PASS:
                raise ValueError("too long")
            return jwt.decode(token, self._secret, algorithms=[_ALGORITHM], options=options)
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise _invalid() from error


def _claims(fields: dict[str, Any]) -> Claims:
    person, role, event, expires = (fields.get(key) for key in ("sub", "role", "event", "exp"))
    texts = isinstance(person, str) and isinstance(role, str) and isinstance(event, str)
    if not texts or role not in tuple(Role) or type(expires) not in (int, float):
        raise _invalid()
    return Claims(str(person), str(role), str(event), float(expires or 0))


def _invalid() -> PassRefused:
    return PassRefused("pass_invalid", 401, "This is no pass of this server; open your personal link again.")


def load_or_create_secret(path: Path) -> bytes:
    """The server's secret; made at the first start, readable by its owner alone.

    Raises ValueError if the file holds less than a secret, OSError if it cannot be read or made.
    """
    if path.exists():
        return _secret(path)  # also from a disk that is full
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # whole or not at all, and never over one that another server has just made
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return _secret(path)


def _secret(path: Path) -> bytes:
    path.chmod(0o600)
    secret = path.read_text().strip()
    if len(secret) < 2 * SECRET_BYTES:
        raise ValueError(f"{path} holds no secret of {SECRET_BYTES} bytes in hex; remove it for a new one")
    return bytes.fromhex(secret)
