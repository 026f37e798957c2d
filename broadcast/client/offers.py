"""The offers that our clients make: what a browser's would say, without the browser's hundred lines."""

from collections.abc import Sequence

from broadcast.client.agent import Agent
from broadcast.rtp.frame import Codec

PAYLOAD_TYPES = {Codec.H264: 102, Codec.VP8: 96, Codec.OPUS: 111}
_FORMATS = {
    Codec.H264: (
        "a=rtpmap:102 H264/90000",
        "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    ),
    Codec.VP8: ("a=rtpmap:96 VP8/90000",),
    Codec.OPUS: ("a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1"),
}
_PLAYOUT_DELAY = "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"


def publish(agent: Agent, streams: Sequence[tuple[Codec, int]], cname: str) -> str:
    """A sendonly offer: one m-line for each (codec, SSRC)."""
    sections = [[*_section(codec, "sendonly"), f"a=ssrc:{ssrc} cname:{cname}"] for codec, ssrc in streams]
    return _offer(agent, sections, [codec for codec, _ in streams])


def watch(agent: Agent, codecs: Sequence[Codec]) -> str:
    """A recvonly offer: one m-line for each codec."""
    return _offer(agent, [[*_section(codec, "recvonly"), _PLAYOUT_DELAY] for codec in codecs], codecs)


def _section(codec: Codec, direction: str) -> list[str]:
    number = PAYLOAD_TYPES[codec]
    feedback = ("nack", "nack pli", "ccm fir") if codec is not Codec.OPUS else ()
    return [
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *_FORMATS[codec],
        *(f"a=rtcp-fb:{number} {each}" for each in feedback),
    ]


def _offer(agent: Agent, sections: Sequence[Sequence[str]], codecs: Sequence[Codec]) -> str:
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    lines += ["a=group:BUNDLE " + " ".join(str(mid) for mid in range(len(sections)))]
    for mid, (codec, section) in enumerate(zip(codecs, sections, strict=True)):
        lines += [f"m={codec.kind} 9 UDP/TLS/RTP/SAVPF {PAYLOAD_TYPES[codec]}", "c=IN IP4 0.0.0.0"]
        lines += [f"a=mid:{mid}", f"a=ice-ufrag:{agent.ufrag}", f"a=ice-pwd:{agent.password}"]
        lines += [f"a=fingerprint:sha-256 {agent.certificate.fingerprint}", "a=setup:actpass", *section]
    return "\r\n".join(lines) + "\r\n"
