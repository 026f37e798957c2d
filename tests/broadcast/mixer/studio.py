"""A mixer in its real process with players, and the material they play."""

import asyncio
import time
from collections.abc import Callable
from functools import cache

from broadcast.mixer.scene import Scene
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.supervisor import Mixer
from broadcast.rtp.frame import Codec, Frame, Kind
from tests.broadcast.mixer import material
from tests.broadcast.mixer.material import Item

LENGTH = 2.0  # seconds of each piece of material
RED, BLUE = (90, 180), (180, 90)  # chroma
PATIENCE = 30.0  # seconds until a test gives up


@cache
def camera(
    chroma: tuple[int, int],
    codec: Codec = Codec.H264,
    size: tuple[int, int] = (1280, 720),
    flash: bool = True,
) -> list[Item]:
    return material.encode_video(LENGTH, codec, size, chroma=chroma, flash=flash)


@cache
def microphone() -> list[Item]:
    return material.encode_sound(LENGTH)


class Studio:
    """A mixer with players, and everything that it has sent."""

    def __init__(self, settings: ProgrammeSettings | None = None) -> None:
        self.mixer = Mixer(settings or ProgrammeSettings())
        self.out: list[Frame] = []
        self.small: list[Frame] = []
        self.shown: dict[str, float] = {}
        self.states: list[str] = []
        self.wanted: list[str] = []
        self.mixer.on_frame = self.out.append
        self.mixer.on_rendition = lambda name, frame: self.small.append(frame)
        self.mixer.on_shown = self.shown.__setitem__
        self.mixer.on_state = self.states.append
        self.mixer.on_keyframe_wanted = self.wanted.append
        self._players: list[asyncio.Task[None]] = []

    def play(self, feed: str, *tracks: list[Item], audio_late: float = 0.02) -> asyncio.Task[None]:
        player = material.play(
            lambda frame: self.mixer.frame(feed, frame),
            list(tracks),
            600,
            length=LENGTH,
            audio_late=audio_late,
        )
        self._players.append(asyncio.create_task(player))
        return self._players[-1]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for something that the mixer will do."""
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - it is the other process that changes it
                await asyncio.sleep(0.005)

    async def show(self, scene: Scene, token: str, transition: str = "cut") -> None:
        self.mixer.show(scene, token, transition)  # type: ignore[arg-type]
        await self.until(lambda: token in self.shown)

    async def programme(self, seconds: float) -> None:
        """Wait for so much programme from now on (what is still in the pipe does not count)."""
        end = time.monotonic() + seconds
        await self.until(lambda: self.out and self.out[-1].captured >= end)

    def video(self) -> list[Frame]:
        return [frame for frame in self.out if frame.kind is Kind.VIDEO]

    def sound(self) -> list[Frame]:
        return [frame for frame in self.out if frame.kind is Kind.AUDIO]

    async def close(self) -> None:
        for player in self._players:
            player.cancel()
        await asyncio.gather(*self._players, return_exceptions=True)
        await self.mixer.stop()
