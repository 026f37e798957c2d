"""(P) Where the programme may be sent: an address as people paste it, taken apart, checked and masked.

    rtmp://HOST[:PORT]/APPLICATION/KEY       rtmps://HOST[:PORT]/APPLICATION/KEY
    srt://HOST:PORT[?streamid=...&passphrase=...&latency=MS&pbkeylen=16|24|32]

Whoever knows the key may send in somebody's name. So a `Target` shows nothing of it: not in `repr`, not in
`address`, which is for screens and logs; and `scrub` takes it out of what other programs say.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import unquote

from broadcast.errors import TargetError

MASK = "•••"
LONGEST = 1000  # characters of an address with its key
LONGEST_STREAM_ID = 512  # SRT's own bound
PASSPHRASE = (10, 79)  # characters; SRT's own bounds
LATENCY = (20, 8000)  # ms
SHORTEST_SECRET = 3  # characters; scrubbing shorter ones would only take words apart

_SHAPE = re.compile(
    r"(?P<scheme>[A-Za-z]+)://(?:(?P<user>[^@/?]*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^?]*)?(?:\?(?P<query>.*))?"
)


class Scheme(StrEnum):
    """The protocols."""

    RTMP = "rtmp"
    RTMPS = "rtmps"
    SRT = "srt"


_PORTS: Mapping[Scheme, int] = MappingProxyType({Scheme.RTMP: 1935, Scheme.RTMPS: 443})


@dataclass(frozen=True, slots=True)
class Target:
    """`address` may be shown. `place` (host and port as given), `application` and `stream` are RTMP's, the
    others SRT's; `latency` in ms, 0 where it is not given."""

    scheme: Scheme
    host: str
    port: int
    address: str
    place: str = ""
    application: str = field(default="", repr=False)
    stream: str = field(default="", repr=False)
    stream_id: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    latency: int = 0
    key_length: int = 0
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def scrub(self, text: str) -> str:
        """The text without anything that is secret about this target."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return text


def parse(url: str, key: str = "") -> Target:
    """What people pasted: the address, and the stream key where a service gives it apart.

    Raises TargetError, whose message never holds a part of either.
    """
    url, key = url.strip(), key.strip()
    if len(url) + len(key) > LONGEST:
        raise TargetError(f"An address and its key may have {LONGEST} characters together.")
    if not (url + key).isprintable() or " " in url + key:
        raise TargetError("An address and its key hold no spaces.")
    shape = _SHAPE.fullmatch(url)
    if shape is None or shape["scheme"].lower() not in tuple(Scheme):
        raise TargetError("The address must begin with rtmp://, rtmps:// or srt:// and a host.")
    if shape["user"] is not None:
        raise TargetError("An address holds no name and password; services give a key instead.")
    scheme, host = Scheme(shape["scheme"].lower()), shape["host"].strip("[]")
    port = int(shape["port"]) if shape["port"] else _PORTS.get(scheme, 0)
    if not 1 <= port <= 65535:
        raise TargetError("The address must name a port from 1 to 65535, such as srt://HOST:9000.")
    if scheme is Scheme.SRT:
        return _srt(shape, host, port, key)
    return _rtmp(shape, scheme, host, port, key)


def _rtmp(shape: re.Match[str], scheme: Scheme, host: str, port: int, key: str) -> Target:
    """Services give the key apart, or as the last part of the path."""
    path, query = (shape["path"] or "").strip("/"), f"?{shape['query']}" if shape["query"] else ""
    if key:
        application, stream = path + query, key
    else:
        application, _, last = path.rpartition("/")
        stream = last + query if last else ""
    if not path or not application or not stream:
        raise TargetError("The address must name the application and the stream key: rtmp://HOST/live/KEY.")
    place = shape["host"] + (f":{shape['port']}" if shape["port"] else "")
    first, _, rest = path.partition("/")
    return Target(
        scheme,
        host,
        port,
        f"{scheme}://{place}/{first}/{MASK}",
        application=application,
        stream=stream,
        place=place,
        secrets=_longest_first((stream, *re.split("[?/]", stream), rest, *rest.split("/"), query, query[1:])),
    )


def _srt(shape: re.Match[str], host: str, port: int, key: str) -> Target:
    if (shape["path"] or "/") != "/":
        raise TargetError("An SRT address is a host, a port and options: srt://HOST:PORT?streamid=ID.")
    options = _options(shape["query"] or "")
    if options.pop("mode", "caller") != "caller":
        raise TargetError("Only mode=caller can be: the programme is sent to them.")
    stream_id, passphrase = options.pop("streamid", "") or key, options.pop("passphrase", "")
    latency = _number(options.pop("latency", "0"), "latency", LATENCY)
    key_length = _number(options.pop("pbkeylen", "0"), "pbkeylen", (16, 32))
    options.pop("transtype", None)  # live is what we send, and all that an address may wish for
    if options:
        raise TargetError("An SRT address may have these options: streamid, passphrase, latency, pbkeylen.")
    if len(stream_id.encode()) > LONGEST_STREAM_ID:
        raise TargetError(f"A stream id may have {LONGEST_STREAM_ID} octets.")
    if passphrase and not PASSPHRASE[0] <= len(passphrase.encode()) <= PASSPHRASE[1]:
        raise TargetError(f"A passphrase has {PASSPHRASE[0]} to {PASSPHRASE[1]} characters.")
    if key_length % 8:
        raise TargetError("pbkeylen must be 16, 24 or 32.")
    return Target(
        Scheme.SRT,
        host,
        port,
        f"srt://{shape['host']}:{port}" + (f"?{MASK}" if stream_id or passphrase else ""),
        stream_id=stream_id,
        passphrase=passphrase,
        latency=latency,
        key_length=key_length,
        secrets=_longest_first((stream_id, passphrase, key)),
    )


def _options(query: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return {name: unquote(value) for name, _, value in pairs}


def _number(text: str, name: str, bounds: tuple[int, int]) -> int:
    """Zero where it was not given."""
    if text == "0":
        return 0
    if not text.isascii() or not text.isdigit() or not bounds[0] <= int(text[:9]) <= bounds[1]:
        what = f"{name} in ms" if name == "latency" else name
        raise TargetError(f"{what} must be a whole number from {bounds[0]} to {bounds[1]}.")
    return int(text)


def _longest_first(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Without doubles and trifles, so that no secret is left over in parts."""
    return tuple(sorted({each for each in secrets if len(each) >= SHORTEST_SECRET}, key=len, reverse=True))
