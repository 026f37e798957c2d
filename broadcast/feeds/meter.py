"""(P) How a feed does: frame rate, bit rate, picture size and ages, and the verdict on them."""

from collections import deque
from dataclasses import dataclass
from typing import Any

from broadcast.errors import MalformedError
from broadcast.rtp import h264, vp8
from broadcast.rtp.frame import Codec, Frame, Kind

WINDOW = 2.0  # seconds over which frame rate and bit rate are measured
FRESH = 0.5  # seconds without a picture after which a feed is poor
DEAD = 2.0  # ... and after which it is dead
POOR_LOSS = 0.05  # share of packets lost for good
POOR_FPS = 12.0


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """How a feed does. Rates in bit/s, times in seconds, `loss` 0 to 1, `level` in dBFS; None: not known.

    `verdict` is "good", "poor" or "dead", and `why` says in a few words what is wrong ("" when good).
    """

    id: str
    owner: str
    kind: str
    codec: str | None
    width: int
    height: int
    fps: float
    bitrate: float
    loss: float
    rtt: float | None
    level: float | None
    video_age: float | None
    audio_age: float | None
    verdict: str
    why: str

    def as_json(self) -> dict[str, Any]:
        """As producers get it in `health` (docs/protocol.md, section 6)."""
        return {
            "id": self.id,
            "owner": self.owner,
            "kind": self.kind,
            "codec": self.codec,
            "width": self.width,
            "height": self.height,
            "fps": round(self.fps, 1),
            "bitrate": round(self.bitrate),
            "loss": round(self.loss, 4),
            "rtt_ms": None if self.rtt is None else round(self.rtt * 1000),
            "level": None if self.level is None else round(self.level, 1),
            "video_age_ms": None if self.video_age is None else round(self.video_age * 1000),
            "verdict": self.verdict,
            "why": self.why,
        }


class Meter:
    """Counts the frames that a feed hands on. The names are for its health."""

    def __init__(self, id: str, owner: str, kind: str) -> None:
        self._names = (id, owner, kind)
        self.codec: Codec | None = None
        self.width = 0
        self.height = 0
        self._window: deque[tuple[float, int, Kind]] = deque()
        self._octets = 0
        self._pictures = 0
        self._last: dict[Kind, float] = {}
        self._first = 0.0

    def frame(self, frame: Frame, now: float) -> None:
        """Count one frame handed on at `now`."""
        kind = frame.kind
        if not self._last:
            self._first = now
        self._last[kind] = now
        self._window.append((now, len(frame.data), kind))
        self._octets += len(frame.data)
        if kind is Kind.VIDEO:
            self._pictures += 1
            self.codec = frame.codec
            if frame.keyframe:
                self._measure(frame)
        self._forget(now)

    def age(self, kind: Kind, now: float) -> float | None:
        """Seconds since the last frame of that kind; None if there was none."""
        last = self._last.get(kind)
        return None if last is None else max(0.0, now - last)

    def health(self, now: float, *, loss: float, rtt: float | None, level: float | None) -> FeedHealth:
        """All of it at `now`, with what only the transport knows."""
        self._forget(now)
        span = min(WINDOW, max(now - self._first, 0.25))
        fps = self._pictures / span if self._last else 0.0
        video_age, audio_age = self.age(Kind.VIDEO, now), self.age(Kind.AUDIO, now)
        verdict, why = _verdict(video_age, audio_age, fps, loss, settled=now - self._first >= WINDOW)
        return FeedHealth(
            *self._names,
            codec=self.codec.value if self.codec else None,
            width=self.width,
            height=self.height,
            fps=fps,
            bitrate=8 * self._octets / span,
            loss=loss,
            rtt=rtt,
            level=level,
            video_age=video_age,
            audio_age=audio_age,
            verdict=verdict,
            why=why,
        )

    def _forget(self, now: float) -> None:
        while self._window and self._window[0][0] <= now - WINDOW:
            _, octets, kind = self._window.popleft()
            self._octets -= octets
            self._pictures -= kind is Kind.VIDEO

    def _measure(self, frame: Frame) -> None:
        """Read the picture's size off a keyframe. Unreadable ones keep the last size: health is no judge."""
        try:
            if frame.codec is Codec.VP8:
                self.width, self.height = vp8.picture_size(frame.data)
                return
            sps = h264.find_sps(frame.data)
            if sps:
                self.width, self.height = h264.picture_size(sps)
        except MalformedError:
            return


def _verdict(
    video_age: float | None, audio_age: float | None, fps: float, loss: float, *, settled: bool
) -> tuple[str, str]:
    if video_age is None:
        return "dead", "no picture yet"
    if video_age > DEAD:
        return "dead", "no picture"
    if video_age > FRESH:
        return "poor", "the picture stands still"
    if loss > POOR_LOSS:
        return "poor", "packets are lost"
    if settled and fps < POOR_FPS:
        return "poor", "few pictures a second"
    if audio_age is None or audio_age > DEAD:
        return "poor", "no sound"
    return "good", ""
