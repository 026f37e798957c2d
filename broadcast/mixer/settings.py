"""(P) How the programme is made: its size, rate and quality, and how titles and slates look.

Both cross the pipe to the mixer's process as JSON (`to_json`, `from_json`).
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

SMALL_BURST = 0.35  # seconds of a smaller rendition's rate: its largest keyframe


@dataclass(frozen=True, slots=True)
class Look:
    """What titles, slates and empty places are drawn with. Colours are `#rrggbb`, the same as in web/css."""

    event: str = ""  # the event's name: small on every card
    place: str = ""  # small beside it, for example the place and the date
    ink: str = "#0d1b2a"
    panel: str = "#14263a"
    accent: str = "#19c3a6"
    accent_2: str = "#f2b84b"
    text: str = "#f4f7fb"
    muted: str = "#a9b8c9"


@dataclass(frozen=True, slots=True)
class Rendition:
    """A smaller size of the programme, for lines that do not carry the full one."""

    height: int = 360  # pixels, even; the width follows from the programme's shape
    video_kbps: int = 400  # at most

    @property
    def name(self) -> str:
        """What it is called wherever it is named: `360p`."""
        return f"{self.height}p"


@dataclass(frozen=True, slots=True)
class ProgrammeSettings:
    """Sizes in pixels (even), rates in kbit/s, times in seconds."""

    width: int = 1280
    height: int = 720
    fps: int = 30
    video_kbps: int = 2500  # at most; pictures that need less get less
    crf: int = 21  # of x264: the quality that is enough, 18 (best) to 28
    vbv_kbit: int = 1250  # the largest burst, and so the largest keyframe: about half a second
    gop_seconds: float = 2.0  # a keyframe at every multiple of this, and when forced
    preset: str = "superfast"  # of x264
    audio_kbps: int = 96
    snapshot_seconds: int = 10  # from one small picture for timelines to the next
    segment_audio_kbps: int = 128  # of the AAC in HLS segments; 0: none is made
    dissolve_seconds: float = 0.3
    crossfade_seconds: float = 0.02  # from one voice to the next at a cut
    automatic: bool = True  # every voice is brought to the same loudness
    target_lufs: float = -23.0  # that loudness
    max_gain_db: float = 18.0  # by which a voice is turned up or down for it at most
    ceiling_dbtp: float = -1.5  # the limiter lets no true peak above this
    return_kbps: int = 32  # of a return, mono
    duck_db: float = 12.0  # by which the programme is turned down in the ear under talkback
    hold_seconds: float = 0.5  # how long the last picture of a silent source stands
    renditions: tuple[Rendition, ...] = (Rendition(),)  # besides the full one, larger ones first
    look: Look = field(default_factory=Look)

    @property
    def gop(self) -> int:
        """Ticks from one regular keyframe to the next."""
        return max(1, round(self.gop_seconds * self.fps))

    @property
    def name(self) -> str:
        """The full rendition's: `720p`."""
        return f"{self.height}p"

    @property
    def rates(self) -> list[tuple[str, int]]:
        """Each rendition's name and what a line must carry for it with the sound and all headers, bit/s; the
        full one first."""
        sound = self.audio_kbps + 25
        made = [self, *(self.smaller(each) for each in self.renditions)]
        return [(each.name, round(1000 * (1.06 * each.video_kbps + sound))) for each in made]

    def smaller(self, rendition: Rendition) -> "ProgrammeSettings":
        """How this rendition is made. Its keyframes are kept smaller still, in seconds of its own rate: on
        the thin line that it is for, a long burst holds up what follows."""
        return replace(
            self,
            width=round(self.width * rendition.height / self.height / 2) * 2,
            height=rendition.height,
            video_kbps=rendition.video_kbps,
            vbv_kbit=round(rendition.video_kbps * SMALL_BURST),
            renditions=(),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain data for the pipe."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ProgrammeSettings":
        """The opposite of `to_json`; only for data of this server itself."""
        renditions = tuple(Rendition(**each) for each in data["renditions"])
        return cls(**{**data, "look": Look(**data["look"]), "renditions": renditions})
