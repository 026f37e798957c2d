"""Janus 1.1 beside us: its streaming plugin with one mountpoint, which ffmpeg feeds with our recording."""

import asyncio
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from broadcast.client.door import ClientSession, hallway
from broadcast.client.whep import WhepViewer
from broadcast.errors import RequestError
from broadcast.rtp.frame import Codec
from broadcast.transport.dtls import Certificate

HTTP, VIDEO, AUDIO = 18088, 15004, 15002  # ports
CONFIG = {
    "janus.jcfg": """
general: {{ session_timeout = 0, debug_level = 1, admin_secret = "none", {general} }}
nat: {{ ice_lite = true }}
transports: {{ disable = "libjanus_websockets.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_mqtt.so,\
libjanus_nanomsg.so" }}
plugins: {{ disable = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,\
libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_textroom.so,libjanus_videocall.so,\
libjanus_videoroom.so,libjanus_voicemail.so" }}
""",
    "janus.transport.http.jcfg": """
general: {{ json = "compact", base_path = "/janus", http = true, port = {http}, ip = "{host}" }}
admin: {{ admin_http = false }}
""",
    "janus.plugin.streaming.jcfg": """
programme: {{ type = "rtp", id = 1, audio = true, audioport = {audio}, audiopt = 111, audiocodec = "opus",
  video = true, videoport = {video}, videopt = 102, videocodec = "h264", videobufferkf = true,
  videofmtp = "profile-level-id=42e01f;packetization-mode=1" }}
""",
}
FEED = (
    "ffmpeg -loglevel error -re -stream_loop -1 -i {recording}"
    " -map 0:v -c copy -payload_type 102 -f rtp rtp://127.0.0.1:{video}?pkt_size=1178"
    " -map 0:a -c copy -payload_type 111 -f rtp rtp://127.0.0.1:{audio}?pkt_size=1178"
)


class Janus:
    """One Janus and its ffmpeg. `host` must not be a loopback address: Janus never offers those."""

    def __init__(self, folder: Path, recording: Path, host: str, general: str = "") -> None:
        self._folder, self._recording, self._host = folder, recording, host
        self._general = general
        self._processes: list[asyncio.subprocess.Process] = []
        self.url = f"http://{host}:{HTTP}/janus"

    async def start(self) -> int:
        """Start both; returns Janus's process number."""
        self._folder.mkdir(parents=True, exist_ok=True)
        words = {"general": self._general, "http": HTTP, "host": self._host, "audio": AUDIO, "video": VIDEO}
        for name, text in CONFIG.items():
            (self._folder / name).write_text(text.format(**words))
        with (self._folder / "log").open("wb") as log:
            janus = await asyncio.create_subprocess_exec(
                "janus", "-F", str(self._folder), "-o", stdout=log, stderr=log
            )
            self._processes.append(janus)
            feed = FEED.format(recording=self._recording, **words).split()
            self._processes.append(await asyncio.create_subprocess_exec(*feed, stdout=log, stderr=log))
        async with hallway() as hall:
            for _ in range(100):
                await asyncio.sleep(0.1)
                try:
                    async with hall.get(f"{self.url}/info"):
                        return janus.pid
                except OSError:
                    continue
        raise TimeoutError(f"Janus did not start; see {self._folder / 'log'}")

    async def stop(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            await process.wait()


class JanusViewer(WhepViewer):
    """A viewer that comes in by Janus's own door: Janus offers, we answer."""

    def __init__(
        self,
        url: str,
        pass_: str | None = None,
        *,
        certificate: Certificate | None = None,
        decrypt: bool = True,
        hall: ClientSession | None = None,
    ) -> None:
        super().__init__(url, pass_, certificate=certificate, decrypt=decrypt, hall=hall)
        self._desk = url
        assert hall is not None, "a crowd shares its connections"
        self._hall = hall

    async def negotiate(self, codecs: Sequence[Codec]) -> str:
        try:
            session = (await self._say("", janus="create"))["data"]["id"]
            handle = (await self._say(f"/{session}", janus="attach", plugin="janus.plugin.streaming"))[
                "data"
            ]["id"]
            place = f"/{session}/{handle}"
            await self._say(place, janus="message", body={"request": "watch", "id": 1})
            offer = await self._event(session)
            answer = {"type": "answer", "sdp": self._answer(offer)}
            await self._say(place, janus="message", body={"request": "start"}, jsep=answer)
        except (OSError, TimeoutError, KeyError) as error:
            raise RequestError(f"Janus: {error!r}", code="unreachable", status=504) from error
        return offer

    async def _say(self, place: str, **words: Any) -> dict[str, Any]:
        message = {"transaction": secrets.token_hex(6), **words}
        async with self._hall.post(self._desk + place, json=message) as response:
            found: dict[str, Any] = await response.json(content_type=None)
            return found

    async def _event(self, session: int) -> str:
        for _ in range(5):
            async with self._hall.get(f"{self._desk}/{session}?maxev=1") as response:
                event = await response.json(content_type=None)
            if "jsep" in event:
                return str(event["jsep"]["sdp"])
        raise TimeoutError("no offer")

    def _answer(self, offer: str) -> str:
        """Its m-lines again, received only, with our credentials."""
        agent, lines = self.agent, ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
        for line in offer.split("\r\n"):
            if line.startswith("a=group:BUNDLE"):
                lines.append(line)
            elif line.startswith("m="):
                lines += [line, "c=IN IP4 0.0.0.0", "a=recvonly", "a=rtcp-mux", "a=setup:passive"]
                lines += [f"a=ice-ufrag:{agent.ufrag}", f"a=ice-pwd:{agent.password}"]
                lines += [f"a=fingerprint:sha-256 {agent.certificate.fingerprint}"]
                lines += ["a=candidate:1 1 udp 2130706431 192.0.2.1 9 typ host", "a=end-of-candidates"]
            elif line.startswith(("a=mid:", "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:")):
                lines.append(line)
        return "\r\n".join(lines) + "\r\n"
