"""What strangers send: offers, passes that are wrong in one way each, and the answer that they must get."""

import json
from typing import Any

import aiohttp
import jwt

from demo.server import Server

SDP = {"Content-Type": "application/sdp"}
# An offer that could be answered, if only it had a codec that is known here.
OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=mid:0
a={direction}
a=rtcp-mux
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=rtpmap:96 {video}/90000
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:1
a={direction}
a=rtcp-mux
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=rtpmap:111 opus/48000/2
""".replace("\n", "\r\n")


def offer(direction: str, video: str = "H264") -> str:
    """An offer of one video codec and Opus; `direction` is recvonly or sendonly."""
    text = OFFER.format(direction=direction, video=video, fingerprint=":".join(["AB"] * 32))
    if video == "H264":
        text = text.replace(
            "a=rtpmap:96 H264/90000\r\n",
            "a=rtpmap:96 H264/90000\r\n"
            "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n",
        )
    return text


async def refused(answer: aiohttp.ClientResponse, status: int, code: str) -> None:
    """Assert that an answer is an error in the one shape."""
    text = await answer.text()
    assert answer.status == status, text
    error = json.loads(text)["error"]
    assert error["code"] == code, error
    assert error["message"].strip()


def bearer(token: str) -> dict[str, str]:
    """Headers of an offer with a pass."""
    return {**SDP, "Authorization": f"Bearer {token}"}


def forged(token: str, **claims: Any) -> str:
    """The same claims and others, signed by somebody else."""
    known = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode({**known, **claims}, "a secret of thirty-two bytes or more, of another server")


async def signed(server: Server, token: str, **claims: Any) -> str:
    """The same claims and others, signed with this server's own secret."""
    secret = next((server.folder / "data").glob("*secret*")).read_text()
    known = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode({**known, **claims}, bytes.fromhex(secret.strip()))
