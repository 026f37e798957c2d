"""(P) Offer to answer, for WHIP (RFC 9725) and WHEP: which m-lines, codecs, extensions and feedback we take.

A publisher gets a recvonly answer with one codec for each kind; a viewer a sendonly answer with the
viewer's own payload types (Firefox shows nothing otherwise) and our SSRCs. Both are ICE-lite, with every
candidate in the answer. No RTX: lost packets come again on the same SSRC, byte for byte.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from broadcast.errors import OfferError
from broadcast.rtp.frame import Codec, Kind
from broadcast.transport.offer import Description, Format, Media, bad


class Extension(StrEnum):
    """RTP header extensions that we can use, by URI."""

    ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
    AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"


_PUBLISH_EXTENSIONS = {
    # Not video-orientation: without it the browser turns the picture itself before it encodes.
    Kind.VIDEO: (Extension.ABS_SEND_TIME, Extension.TRANSPORT_CC, Extension.MID),
    Kind.AUDIO: (Extension.ABS_SEND_TIME, Extension.TRANSPORT_CC, Extension.MID, Extension.AUDIO_LEVEL),
}
# Viewers tell when each packet of the picture came, as long as packets bear a number for it: outputs/line.py.
_WATCH_EXTENSIONS = {
    Kind.VIDEO: (Extension.PLAYOUT_DELAY, Extension.TRANSPORT_CC),
    Kind.AUDIO: (Extension.PLAYOUT_DELAY,),
}
_PUBLISH_FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb", "transport-cc")
_WATCH_FEEDBACK = {
    Kind.VIDEO: ("nack", "nack pli", "ccm fir", "transport-cc"),
    Kind.AUDIO: ("nack", "nack pli", "ccm fir"),
}
_UNUSABLE = 1000  # a rank


@dataclass(frozen=True, slots=True)
class Track:
    """What was agreed for one kind."""

    mid: str
    codec: Codec
    payload_type: int
    ssrcs: tuple[int, ...]  # a publisher's as announced (may be none), or the one that we send to a viewer
    extensions: Mapping[Extension, int]  # ids for the header
    feedback: frozenset[str]  # as in a=rtcp-fb: "nack", "nack pli", ...
    parameters: Mapping[str, str]  # the fmtp as offered


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What was agreed with one peer."""

    video: Track | None
    audio: Track | None


@dataclass(frozen=True, slots=True)
class Watch:
    """What a viewer is to get. A kind without codec is refused politely (its m-line is rejected)."""

    video: Codec | None
    audio: Codec | None
    video_ssrc: int
    audio_ssrc: int
    cname: str
    stream: str = "pavilion"  # the MediaStream's id


@dataclass(frozen=True, slots=True)
class Local:
    """Our end of the transport, as the answer tells it. Candidates come best first."""

    ufrag: str
    password: str
    fingerprint: str  # SHA-256
    candidates: Sequence[tuple[str, int]]
    session: int
    start_kbps: int = 2500  # where a publisher's encoder starts: 720p at once instead of after a minute
    max_kbps: int = 4000


@dataclass(frozen=True, slots=True)
class _Choice:
    media: Media
    format: Format
    track: Track
    lines: Sequence[str]  # that only this use of the m-line has


def dtls_role(offer: Description) -> Literal["client", "server"]:
    """Ours: the client's only if the other side insists on being the server."""
    return "client" if offer.transport.setup == "passive" else "server"


def answer_publish(
    offer: Description, local: Local, kinds: frozenset[Kind] = frozenset(Kind)
) -> tuple[Negotiated, str]:
    """The recvonly answer to a WHIP offer; m-lines of other `kinds` are rejected politely.

    Raises OfferError: `bad_offer`, or `no_usable_codec` (406).
    """

    def choose(media: Media) -> _Choice:
        kind = Kind(media.kind)
        chosen = _best(media, _publish_rank, "H264 or VP8" if kind is Kind.VIDEO else "Opus")
        track = _track(media, chosen, tuple(media.ssrcs), _PUBLISH_EXTENSIONS[kind], _PUBLISH_FEEDBACK)
        settings = _opus(chosen) if track.codec is Codec.OPUS else _h264(chosen)
        if kind is Kind.VIDEO:
            settings |= {"x-google-start-bitrate": str(local.start_kbps)}
            settings |= {"x-google-max-bitrate": str(local.max_kbps)}
        return _Choice(media, chosen, track, ["a=recvonly", *_fmtp(chosen, settings)])

    return _answer(offer, local, ("sendonly", "sendrecv"), kinds, choose)


def answer_watch(offer: Description, local: Local, watch: Watch) -> tuple[Negotiated, str]:
    """The sendonly answer to a WHEP offer. Raises OfferError: `bad_offer`, or `no_usable_codec` (406)."""
    codecs = {Kind.VIDEO: watch.video, Kind.AUDIO: watch.audio}
    ssrcs = {Kind.VIDEO: watch.video_ssrc, Kind.AUDIO: watch.audio_ssrc}

    def choose(media: Media) -> _Choice:
        kind = Kind(media.kind)
        codec = codecs[kind]
        assert codec is not None  # only wanted kinds come here
        chosen = _best(media, lambda each: _watch_rank(each, codec), codec.value.upper())
        track = _track(media, chosen, (ssrcs[kind],), _WATCH_EXTENSIONS[kind], _WATCH_FEEDBACK[kind])
        settings = _h264(chosen)
        if codec is Codec.OPUS:
            settings = {"minptime": "10", "useinbandfec": "1", "stereo": "1", "sprop-stereo": "1"}
        name = f"{watch.stream} {watch.stream}-{kind}"
        lines = ["a=sendonly", f"a=msid:{name}", *_fmtp(chosen, settings)]
        lines += [f"a=ssrc:{ssrcs[kind]} cname:{watch.cname}", f"a=ssrc:{ssrcs[kind]} msid:{name}"]
        return _Choice(media, chosen, track, lines)

    wanted = frozenset(kind for kind in Kind if codecs[kind] is not None)
    return _answer(offer, local, ("recvonly", "sendrecv"), wanted, choose)


def _answer(
    offer: Description,
    local: Local,
    directions: Sequence[str],
    kinds: frozenset[Kind],
    choose: Callable[[Media], _Choice],
) -> tuple[Negotiated, str]:
    """Choose for the first fitting m-line of each kind, and write the answer."""
    chosen: dict[Kind, _Choice] = {}
    for media in offer.media:
        if (
            media.enabled
            and media.direction in directions
            and media.kind in kinds
            and media.kind not in chosen
        ):
            chosen[Kind(media.kind)] = choose(media)
    _check(offer, [choice.media for choice in chosen.values()])
    lines = ["v=0", f"o=- {local.session} 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=ice-lite"]
    mids = [choice.media.mid for choice in chosen.values()]
    if offer.bundle:
        lines.append("a=group:BUNDLE " + " ".join(sorted(mids, key=offer.bundle.index)))
    lines.append("a=msid-semantic: WMS *")
    candidates = _candidates(local)
    for media in offer.media:
        choice = next((each for each in chosen.values() if each.media is media), None)
        if choice is None:
            lines += _rejected(media)
        else:
            lines += _accepted(choice, offer, local) + candidates
            candidates = []  # once is enough in a bundle
    negotiated = Negotiated(
        *(chosen[kind].track if kind in chosen else None for kind in (Kind.VIDEO, Kind.AUDIO))
    )
    return negotiated, "\r\n".join(lines) + "\r\n"


def _check(offer: Description, accepted: Sequence[Media]) -> None:
    if not accepted:
        bad("the offer has neither sound nor picture in the direction needed")
    if not offer.transport.ufrag or not offer.transport.password:
        bad("the offer has no ICE credentials (a=ice-ufrag, a=ice-pwd)")
    if not any(
        algorithm in ("sha-256", "sha-384", "sha-512") for algorithm, _ in offer.transport.fingerprints
    ):
        bad("the offer has no usable fingerprint (a=fingerprint, SHA-256 or better)")
    if len(accepted) > 1 and not all(media.mid and media.mid in offer.bundle for media in accepted):
        bad("sound and picture must share one transport (a=group:BUNDLE)")
    if offer.bundle and any(media.mid not in offer.bundle for media in accepted):
        bad("every m-line in use must be in a=group:BUNDLE")


def _best(media: Media, rank: Callable[[Format], int], wanted: str) -> Format:
    """The format with the lowest rank, the offer's order deciding among equals."""
    usable = [(rank(codec), index, codec) for index, codec in enumerate(media.codecs.values())]
    best = min(usable, default=None, key=lambda each: each[:2])
    if best is None or best[0] >= _UNUSABLE:
        raise OfferError(
            f"The {media.kind} offered has no codec that works here: {wanted} is needed.",
            code="no_usable_codec",
            status=406,
            kind=media.kind,
            wanted=wanted,
        )
    return best[2]


def _codec(format: Format) -> Codec | None:
    if format.name == "opus" and format.clock_rate == 48000:
        return Codec.OPUS
    if format.clock_rate == 90000 and format.name in (Codec.H264, Codec.VP8):
        return Codec(format.name)
    return None


def _publish_rank(format: Format) -> int:
    codec = _codec(format)
    if codec is Codec.H264 and format.parameters.get("packetization-mode") != "1":
        return 20
    return {Codec.H264: _profile_rank(format), Codec.VP8: 10, Codec.OPUS: 0, None: _UNUSABLE}[codec]


def _watch_rank(format: Format, codec: Codec) -> int:
    if _codec(format) is not codec:
        return _UNUSABLE
    if codec is not Codec.H264:
        return 0
    return _profile_rank(format) if format.parameters.get("packetization-mode") == "1" else _UNUSABLE


def _profile_rank(format: Format) -> int:
    """Constrained baseline, baseline, main, the rest: each can decode the ones before it."""
    profile = format.parameters.get("profile-level-id", "420010")[:4].lower()
    return {"42e0": 0, "42c0": 1, "4240": 2, "4200": 3, "4d00": 4}.get(profile, 5)


def _track(
    media: Media, format: Format, ssrcs: tuple[int, ...], usable: Sequence[Extension], feedback: Sequence[str]
) -> Track:
    codec = _codec(format)
    assert codec is not None  # it has a usable rank
    extensions = {each: media.extensions[each] for each in usable if each in media.extensions}
    wanted = frozenset(format.feedback.intersection(feedback))
    return Track(media.mid, codec, format.payload_type, ssrcs, extensions, wanted, dict(format.parameters))


def _h264(format: Format) -> dict[str, str]:
    """The offer's profile, at level 3.1 or better so that 720p30 is allowed (RFC 6184 section 8.2.2)."""
    if format.name != Codec.H264:
        return {}
    settings = {"level-asymmetry-allowed": "1"}
    if "packetization-mode" in format.parameters:
        settings["packetization-mode"] = "1" if format.parameters["packetization-mode"] == "1" else "0"
    profile = format.parameters.get("profile-level-id", "")
    if len(profile) == 6 and all(digit in "0123456789abcdefABCDEF" for digit in profile):
        settings["profile-level-id"] = profile[:4].lower() + f"{max(int(profile[4:], 16), 0x1F):02x}"
    return settings


def _opus(format: Format) -> dict[str, str]:
    """What we like to get: repair data, no pauses in the packets, stereo from those who have it."""
    settings = {"minptime": "10", "useinbandfec": "1", "usedtx": "0", "maxaveragebitrate": "96000"}
    if "1" in (format.parameters.get("stereo"), format.parameters.get("sprop-stereo")):
        settings["stereo"] = "1"
    return settings


def _fmtp(format: Format, settings: Mapping[str, str]) -> list[str]:
    pairs = ";".join(f"{name}={value}" for name, value in settings.items())
    return [f"a=fmtp:{format.payload_type} {pairs}"] if pairs else []


def _accepted(choice: _Choice, offer: Description, local: Local) -> list[str]:
    media, format, track = choice.media, choice.format, choice.track
    channels = f"/{format.channels}" if track.codec is Codec.OPUS else ""
    name = {Codec.H264: "H264", Codec.VP8: "VP8", Codec.OPUS: "opus"}[track.codec]
    lines = [f"m={media.kind} 9 {media.profile} {format.payload_type}", "c=IN IP4 0.0.0.0"]
    if media.mid:
        lines.append(f"a=mid:{media.mid}")
    lines += [f"a=ice-ufrag:{local.ufrag}", f"a=ice-pwd:{local.password}"]
    lines += [f"a=fingerprint:sha-256 {local.fingerprint}"]
    lines += ["a=setup:active" if dtls_role(offer) == "client" else "a=setup:passive"]
    lines += ["a=rtcp-mux", "a=rtcp-rsize"] if media.reduced_size else ["a=rtcp-mux"]
    lines += [f"a=extmap:{number} {extension}" for extension, number in track.extensions.items()]
    lines += [f"a=rtpmap:{format.payload_type} {name}/{format.clock_rate}{channels}"]
    lines += [f"a=rtcp-fb:{format.payload_type} {feedback}" for feedback in sorted(track.feedback)]
    return lines + list(choice.lines)


def _rejected(media: Media) -> list[str]:
    lines = [f"m={media.kind} 0 {media.profile} {' '.join(media.formats)}", "c=IN IP4 0.0.0.0", "a=inactive"]
    return [*lines, f"a=mid:{media.mid}"] if media.mid else lines


def _candidates(local: Local) -> list[str]:
    """All host candidates, the first with the highest priority (RFC 8445 section 5.1.2.1)."""
    lines = [
        f"a=candidate:{index + 1} 1 udp {(126 << 24) + ((65535 - index) << 8) + 255} {host} {port} typ host"
        for index, (host, port) in enumerate(local.candidates)
    ]
    return [*lines, "a=end-of-candidates"]
