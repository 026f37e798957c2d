"""Offers of real browsers and encoders, what is answered to them, and what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.errors import OfferError
from broadcast.rtp.frame import Codec
from broadcast.transport import offer, sdp
from broadcast.transport.sdp import Extension, Local, Negotiated, Watch

OFFERS = {path.stem: path.read_text() for path in (Path(__file__).parent / "offers").glob("*.sdp")}
LOCAL = Local("ufrag", "password" * 4, ":".join(["AB"] * 32), [("192.0.2.1", 7000), ("::1", 7001)], 1)
WATCH = Watch(Codec.H264, Codec.OPUS, 1111, 2222, "programme")


def publish(text: str) -> tuple[Negotiated, str]:
    return sdp.answer_publish(offer.parse(text), LOCAL)


def watch(text: str, what: Watch = WATCH) -> tuple[Negotiated, str]:
    return sdp.answer_watch(offer.parse(text), LOCAL, what)


def section(answer: str, kind: str) -> list[str]:
    """The lines of one m-line's section."""
    return next(each.split("\r\n") for each in answer.split("\r\nm=") if each.startswith(kind))


def test_chromium_publishes_h264() -> None:
    """Of Chromium's many formats we take constrained baseline, packetization mode 1, and say at which rate
    to start; of its extensions those that we use."""
    media, answer = publish(OFFERS["chromium_publish"])
    assert media.video is not None
    assert media.audio is not None
    assert media.video.codec is Codec.H264
    assert media.video.parameters["profile-level-id"] == "42e01f"
    assert media.video.parameters["packetization-mode"] == "1"
    assert {"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"} == media.video.feedback
    assert {Extension.ABS_SEND_TIME, Extension.TRANSPORT_CC, Extension.MID} == set(media.video.extensions)
    assert len(media.video.ssrcs) == 1, "that of retransmissions is not one of the stream's"
    assert Extension.AUDIO_LEVEL in media.audio.extensions
    assert "video-orientation" not in answer
    lines = section(answer, "video")
    number = media.video.payload_type
    assert lines[0] == f"video 9 UDP/TLS/RTP/SAVPF {number}"
    assert "a=recvonly" in lines
    assert any("x-google-start-bitrate=2500" in line and f"fmtp:{number} " in line for line in lines)
    assert answer.count("a=candidate:") == 2
    assert answer.index("192.0.2.1 7000") < answer.index("::1 7001")


def test_chromium_watches() -> None:
    """A viewer gets our SSRCs under its own numbers, and tells when pictures' packets come, not sound's."""
    media, answer = watch(OFFERS["chromium_watch"])
    assert media.video is not None
    assert media.audio is not None
    assert media.video.ssrcs == (1111,)
    assert media.audio.ssrcs == (2222,)
    assert "a=ssrc:1111 cname:programme" in section(answer, "video")
    assert f"a=rtcp-fb:{media.video.payload_type} transport-cc" in section(answer, "video")
    assert not any("transport-cc" in line for line in section(answer, "audio"))
    assert "goog-remb" not in answer
    assert set(media.video.extensions) == {Extension.PLAYOUT_DELAY, Extension.TRANSPORT_CC}
    assert f"a=rtcp-fb:{media.video.payload_type} nack pli" in section(answer, "video")


def test_firefox_publishes_vp8() -> None:
    """Without H264 we take VP8; its settings are read although they come before the formats."""
    media, _ = publish(OFFERS["firefox_publish"])
    assert media.video is not None
    assert media.video.codec is Codec.VP8
    assert "nack pli" in media.video.feedback
    assert media.video.parameters


def test_firefox_without_h264_is_told() -> None:
    """For an H264 programme such a viewer gets `no_usable_codec` and 406, never sound alone."""
    with pytest.raises(OfferError) as refusal:
        watch(OFFERS["firefox_watch"])
    assert (refusal.value.code, refusal.value.status) == ("no_usable_codec", 406)
    media, _ = watch(OFFERS["firefox_watch"], Watch(Codec.VP8, Codec.OPUS, 1, 2, "relay"))
    assert media.video is not None
    assert media.video.payload_type == 120


def test_ffmpeg_publishes() -> None:
    """FFmpeg's WHIP muxer, which wants to be the DTLS server, is answered as the DTLS client."""
    media, answer = publish(OFFERS["ffmpeg_publish"])
    assert media.video is not None
    assert media.audio is not None
    assert media.video.codec is Codec.H264
    assert len(media.video.ssrcs) == 1
    assert "a=setup:active" in section(answer, "video")


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_one_kind_alone_is_fine(kind: str) -> None:
    """An offer with only sound or only picture is answered."""
    head, *sections = OFFERS["chromium_watch"].split("m=")
    alone = head.replace("BUNDLE 0 1", f"BUNDLE {0 if kind == 'video' else 1}")
    alone += "m=" + next(each for each in sections if each.startswith(kind))
    media, answer = watch(alone)
    assert (media.video is None) == (kind == "audio")
    assert (media.audio is None) == (kind == "video")
    assert answer.count("m=") == 1


def test_what_is_not_needed_is_rejected() -> None:
    """A data channel, a second picture and a kind that the feed lacks get port 0, in their places."""
    text = OFFERS["chromium_watch"].replace("BUNDLE 0 1", "BUNDLE 0 1 2 3")
    video = text[text.index("m=video") : text.index("m=audio")]
    text += "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:2\n" + video.replace("mid:0", "mid:3")
    _, answer = watch(text, Watch(None, Codec.OPUS, 1, 2, "sound"))
    lines = [line for line in answer.split("\r\n") if line.startswith("m=")]
    assert [line.split()[0:2] for line in lines] == [
        ["m=video", "0"],
        ["m=audio", "9"],
        ["m=application", "0"],
        ["m=video", "0"],
    ]
    assert "a=group:BUNDLE 1\r\n" in answer
    assert answer.index("a=candidate") > answer.index("m=audio")
    _, answer = watch(text)
    assert [line.split()[1] for line in answer.split("\r\n") if line.startswith("m=")] == ["9", "9", "0", "0"]


ENCODER = """v=0
o=rtc 1 0 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE {group}
a=msid-semantic:WMS *
a=setup:{setup}
a=ice-ufrag:ABcd
a=ice-pwd:0123456789abcdef01234567
a=fingerprint:sha-256 {fingerprint}
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:audio0
a=sendonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;sprop-stereo=1
m=video 9 UDP/TLS/RTP/SAVPF 96
a=mid:1
a=sendonly
a=rtcp-mux
a=rtpmap:96 H264/90000
a=fmtp:96 {fmtp}
a=ssrc:42 cname:x
"""
ENCODER_DEFAULTS = {
    "group": "audio0 1",
    "setup": "actpass",
    "fingerprint": ":".join(["0a"] * 32),
    "fmtp": "packetization-mode=1;profile-level-id=42c015;level-asymmetry-allowed=1",
}


@pytest.mark.parametrize(
    ("fmtp", "answered"),
    [
        (ENCODER_DEFAULTS["fmtp"], "packetization-mode=1;profile-level-id=42c01f"),
        ("packetization-mode=1;profile-level-id=640032", "packetization-mode=1;profile-level-id=640032"),
        ("profile-level-id=42e01f", "profile-level-id=42e01f"),
        ("packetization-mode=1", "packetization-mode=1"),
        ("packetization-mode=1;profile-level-id=zz", "packetization-mode=1"),
    ],
)
def test_encoders_are_answered_in_their_own_terms(fmtp: str, answered: str) -> None:
    """OBS, GStreamer and ffmpeg keep their profile, at a level that allows 720p30, and may send stereo."""
    media, answer = publish(ENCODER.format(**ENCODER_DEFAULTS | {"fmtp": fmtp}))
    assert media.video is not None
    assert media.video.ssrcs == (42,)
    assert f"a=fmtp:96 level-asymmetry-allowed=1;{answered};x-google-start-bitrate" in answer
    assert any("stereo=1" in line for line in section(answer, "audio"))


@pytest.mark.parametrize(
    ("theirs", "ours"), [("actpass", "passive"), ("active", "passive"), ("passive", "active")]
)
def test_the_dtls_roles_fit(theirs: str, ours: str) -> None:
    """We are the DTLS server, unless the other side wants to be."""
    _, answer = publish(ENCODER.format(**ENCODER_DEFAULTS | {"setup": theirs}))
    assert answer.count(f"a=setup:{ours}\r\n") == 2


BREAKS = {
    "nothing": (lambda text: "", "bad_offer"),
    "not SDP": (lambda text: '{"type": "offer"}', "bad_offer"),
    "too long": (lambda text: text + "a=x\n" * 20000, "bad_offer"),
    "an endless line": (lambda text: text + "a=" + "x" * 5000, "bad_offer"),
    "too many m-lines": (lambda text: text + "m=audio 9 RTP/AVP 0\n" * 20, "bad_offer"),
    "an unreadable m-line": (lambda text: text.replace("m=audio 9", "m=audio nine"), "bad_offer"),
    "the same mid twice": (lambda text: text.replace("mid:1", "mid:audio0"), "bad_offer"),
    "no credentials": (lambda text: text.replace("ice-pwd", "x"), "bad_offer"),
    "no fingerprint": (lambda text: text.replace("a=fingerprint", "a=x"), "bad_offer"),
    "a weak fingerprint": (lambda text: text.replace("sha-256", "md5"), "bad_offer"),
    "no bundle": (lambda text: text.replace("a=group", "a=x"), "bad_offer"),
    "half a bundle": (lambda text: text.replace("BUNDLE audio0 1", "BUNDLE audio0"), "bad_offer"),
    "the wrong direction": (lambda text: text.replace("sendonly", "recvonly"), "bad_offer"),
    "no usable video": (lambda text: text.replace("H264", "H265"), "no_usable_codec"),
    "no usable audio": (lambda text: text.replace("opus", "PCMU"), "no_usable_codec"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_cannot_be_answered_is_refused(name: str) -> None:
    """Each kind of bad offer is refused with its code."""
    change, code = BREAKS[name]
    with pytest.raises(OfferError) as refusal:
        publish(change(ENCODER.format(**ENCODER_DEFAULTS)))
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "text", [ENCODER.format(**ENCODER_DEFAULTS), OFFERS["firefox_watch"]], ids=["1", "2"]
)
def test_no_truncation_surprises(text: str) -> None:
    """An offer cut at any length is answered or refused, and nothing else happens."""
    for size in range(len(text)):
        for answer in (publish, watch):
            try:
                answer(text[:size])
            except OfferError:
                continue


def lines_of(name: str) -> st.SearchStrategy[str]:
    """Offers with lines of that one left out, repeated, garbled and in another order."""
    lines = OFFERS[name].splitlines()
    line = st.one_of(
        st.sampled_from(lines),
        st.builds(
            lambda x, at, y: x[:at] + y, st.sampled_from(lines), st.integers(0, 40), st.text(max_size=8)
        ),
    )
    return st.lists(line, max_size=60).map(lambda some: "v=0\r\n" + "\r\n".join(some))


@given(st.one_of(st.text(max_size=300), *(lines_of(name) for name in OFFERS)))
def test_any_offer_is_answered_or_refused(text: str) -> None:
    """Whatever is offered, only OfferError is raised, and an answer can itself be read."""
    for answer in (publish, watch):
        try:
            _, answered = answer(text)
        except OfferError:
            continue
        assert all(line.isprintable() and "=" in line for line in answered.split("\r\n")[:-1])
        assert len(offer.parse(answered).media) == len(offer.parse(text).media)
