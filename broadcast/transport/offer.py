"""(P) Reading SDP (RFC 8866, JSEP RFC 8829): the parts that decide about media, with limits for strangers.

`parse` reads offers and answers alike. Attributes that are unknown or odd are passed over, as SDP wants;
what cannot be read at all raises OfferError (`bad_offer`). Whatever is echoed into an answer later (mids,
formats, profiles) has been checked to be printable and short.
"""

import re
from dataclasses import dataclass, field
from typing import Never

from broadcast.errors import OfferError

MAX_SIZE = 64 * 1024  # characters
MAX_MEDIA = 16
MAX_FORMATS = 128  # in one m-line
MAX_LINE = 4096  # characters
MAX_SSRCS = 16  # in one m-line

_TOKEN = re.compile(r"[!-~]{1,64}", re.ASCII)
_MEDIA = re.compile(
    r"(audio|video|application|text|message|image) (\d{1,5})(?:/\d+)? ([!-~]{1,64}) ([ -~]+)", re.ASCII
)
_RTPMAP = re.compile(r"(\d{1,3}) ([!-.0-~]{1,32})/(\d{1,6})(?:/(\d{1,2}))?\s*", re.ASCII)
_EXTMAP = re.compile(r"(\d{1,5})(?:/\w+)? ([!-~]{1,256}).*", re.ASCII)
_FINGERPRINT = re.compile(r"([!-~]{1,16}) ((?:[0-9A-Fa-f]{2}:){15,63}[0-9A-Fa-f]{2})\s*", re.ASCII)
_SSRC = re.compile(r"(\d{1,10}) cname:.*", re.ASCII)
_REPAIR = re.compile(r"(?:FID|FEC-FR) \d{1,10} (\d{1,10})\s*", re.ASCII)
_ICE_CHARS = re.compile(r"[A-Za-z0-9+/=_-]{4,256}", re.ASCII)
_DIRECTIONS = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})
_SETUPS = frozenset({"actpass", "active", "passive"})


@dataclass(slots=True)
class Format:
    """One payload type of an m-line."""

    payload_type: int
    name: str  # lower case
    clock_rate: int
    channels: int
    parameters: dict[str, str] = field(default_factory=dict)  # fmtp, names in lower case
    feedback: set[str] = field(default_factory=set)  # "nack", "nack pli", ...


@dataclass(slots=True)
class Transport:
    """ICE and DTLS attributes of the session or of one m-line."""

    ufrag: str = ""
    password: str = ""
    setup: str = ""
    fingerprints: list[tuple[str, str]] = field(default_factory=list)
    candidates: list[tuple[str, int]] = field(default_factory=list)  # UDP only


@dataclass(slots=True)
class Media:
    """One m-line and what belongs to it."""

    kind: str
    enabled: bool  # its port is not 0, or it is bundle-only
    profile: str
    formats: list[str]  # as in the m-line
    direction: str = "sendrecv"
    mid: str = ""
    reduced_size: bool = False  # RTCP (RFC 5506)
    codecs: dict[int, Format] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)  # URI -> id
    ssrcs: list[int] = field(default_factory=list)  # of the stream itself ...
    repairs: set[int] = field(default_factory=set)  # ... and of retransmissions and FEC, named before
    transport: Transport = field(default_factory=Transport)


@dataclass(slots=True)
class Description:
    """A session description."""

    bundle: list[str]  # mids
    media: list[Media]
    transport: Transport  # that of the bundle, session-level attributes filled in


def parse(text: str) -> Description:
    """Read an offer or an answer. Raises OfferError (`bad_offer`)."""
    if len(text) > MAX_SIZE:
        bad("the SDP is too long")
    if not text.startswith("v=0"):
        bad("this is not SDP: it does not begin with v=0")
    session = Transport()
    bundle: list[str] = []
    media: list[Media] = []
    settings: list[tuple[Media, str, str]] = []  # read last: Firefox writes them before the formats they set
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if len(line) > MAX_LINE:
            bad("the SDP has an endless line")
        if key == "m":
            if len(media) == MAX_MEDIA:
                bad("the SDP has too many m-lines")
            media.append(_media(value))
        elif key == "a":
            name, _, rest = value.partition(":")
            if media and name in ("fmtp", "rtcp-fb"):
                settings.append((media[-1], name, rest))
            elif media:
                _media_attribute(media[-1], name, rest)
            elif name == "group" and rest.split()[:1] == ["BUNDLE"]:
                bundle = rest.split()[1:]
            _transport_attribute(media[-1].transport if media else session, name, rest)
    for described, name, rest in settings:
        (_parameters if name == "fmtp" else _feedback)(described, rest)
    mids = [each.mid for each in media if each.mid]
    if len(set(mids)) < len(mids):
        bad("two m-lines have the same mid")
    return Description(bundle, media, _common_transport(session, media, bundle))


def bad(message: str) -> Never:
    raise OfferError(message)


def _media(value: str) -> Media:
    match = _MEDIA.fullmatch(value.strip())
    if match is None:
        bad("the SDP has an m-line that cannot be read")
    kind, port, profile, formats = match.groups()
    listed = formats.split()
    if len(listed) > MAX_FORMATS or not all(_TOKEN.fullmatch(each) for each in listed):
        bad("the SDP has an m-line with impossible formats")
    return Media(kind, int(port) > 0, profile, listed)


def _media_attribute(media: Media, name: str, value: str) -> None:
    if name in _DIRECTIONS:
        media.direction = name
    elif name == "mid":
        if not _TOKEN.fullmatch(value.strip()):
            bad("the SDP has a mid that cannot be read")
        media.mid = value.strip()
    elif name == "bundle-only":
        media.enabled = True
    elif name == "rtpmap" and (match := _RTPMAP.fullmatch(value)):
        payload_type = int(match[1])
        if match[1] in media.formats and payload_type < 128:
            media.codecs[payload_type] = Format(
                payload_type, match[2].lower(), int(match[3]), int(match[4] or 1)
            )
    elif name == "rtcp-rsize":
        media.reduced_size = True
    elif name == "extmap" and (match := _EXTMAP.fullmatch(value)):
        if 1 <= int(match[1]) <= 14:  # what a one-byte header can carry (RFC 8285)
            media.extensions.setdefault(match[2], int(match[1]))
    elif name == "ssrc-group" and (match := _REPAIR.fullmatch(value)):
        media.repairs.add(int(match[1]))
    elif name == "ssrc" and (match := _SSRC.fullmatch(value)):
        _source(media, int(match[1]))


def _source(media: Media, ssrc: int) -> None:
    if ssrc < 1 << 32 and ssrc not in media.repairs and len(media.ssrcs) < MAX_SSRCS:
        media.ssrcs.append(ssrc)


def _parameters(media: Media, value: str) -> None:
    """`a=fmtp:<payload type> name=value;name=value`."""
    payload_type, _, rest = value.partition(" ")
    codec = media.codecs.get(_number(payload_type))
    if codec is not None:
        for pair in rest.split(";"):
            name, _, setting = pair.strip().partition("=")
            codec.parameters[name.lower()] = setting


def _feedback(media: Media, value: str) -> None:
    """`a=rtcp-fb:<payload type or *> nack pli`."""
    payload_type, _, rest = value.partition(" ")
    if payload_type == "*":
        for codec in media.codecs.values():
            codec.feedback.add(rest.strip())
    elif (found := media.codecs.get(_number(payload_type))) is not None:
        found.feedback.add(rest.strip())


def _transport_attribute(transport: Transport, name: str, value: str) -> None:
    value = value.strip()
    if name == "ice-ufrag" and _ICE_CHARS.fullmatch(value):
        transport.ufrag = value
    elif name == "ice-pwd" and _ICE_CHARS.fullmatch(value):
        transport.password = value
    elif name == "setup" and value in _SETUPS:
        transport.setup = value
    elif name == "fingerprint" and (match := _FINGERPRINT.fullmatch(value)):
        if len(transport.fingerprints) < 8:
            transport.fingerprints.append((match[1].lower(), match[2].upper()))
    elif name == "candidate":
        parts = value.split()
        if len(parts) >= 8 and parts[2].lower() == "udp" and 0 < _number(parts[5]) < 65536:
            transport.candidates.append((parts[4], _number(parts[5])))


def _common_transport(session: Transport, media: list[Media], bundle: list[str]) -> Transport:
    """The bundle's: attributes of its first m-line that has any, else the session's (RFC 9143)."""
    members = [each.transport for each in media if each.enabled and (not bundle or each.mid in bundle)]
    own = next((each for each in members if each.ufrag), Transport())
    secured = next((each for each in members if each.fingerprints), Transport())
    return Transport(
        ufrag=own.ufrag or session.ufrag,
        password=own.password or session.password,
        setup=secured.setup or session.setup or next((each.setup for each in members if each.setup), ""),
        fingerprints=secured.fingerprints or session.fingerprints,
        candidates=session.candidates + [pair for each in members for pair in each.candidates],
    )


def _number(text: str) -> int:
    """A small number, or -1."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1
