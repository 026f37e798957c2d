"""(P) What the programme shows and sounds like: a scene, as plain data, and where each picture goes.

A `Scene` crosses the pipe to the mixer as JSON (`to_json`, `from_json`) and is drawn there, frame after
frame, until the next one is shown.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Layout(StrEnum):
    """How the pictures of a scene are placed."""

    FULL = "full"  # one picture, the whole frame
    PIP = "pip"  # slides large, the speaker small: pictures = (slides, speaker)
    SIDE = "side"  # two pictures side by side
    GRID = "grid"  # one to six pictures
    SLATE = "slate"  # no picture: the card alone


@dataclass(frozen=True, slots=True)
class Source:
    """One feed in a scene. `label` is drawn in its place while it has no picture yet. One that is not
    `drawn` is heard alone: its pictures have died, its microphone has not.

    `hold`: seconds for which its last picture stands when no more come; None takes the mixer's setting.
    Shared screens want long ones (10): browsers send no picture of a screen that does not change.
    """

    feed: str
    label: str = ""
    gain: float = 1.0  # 0 is silent, 1 as it comes
    sound: bool = True
    hold: float | None = None
    drawn: bool = True


@dataclass(frozen=True, slots=True)
class Return:
    """What one person hears in the ear: the programme's sound without the feeds in `minus` (their own), and
    the talkback feeds in `talkback`, for which the programme is turned down while they speak."""

    minus: frozenset[str] = frozenset()
    talkback: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain data for the pipe."""
        return {"minus": sorted(self.minus), "talkback": list(self.talkback)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Return":
        """The opposite of `to_json`; only for data of this server itself."""
        return cls(frozenset(data["minus"]), tuple(data["talkback"]))


@dataclass(frozen=True, slots=True)
class Strip:
    """A lower third: who speaks (`name`), as what and from where (`detail`), and on what (`title`)."""

    name: str
    detail: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """The slate: `until` is the end of the countdown in Unix seconds, or None for no countdown."""

    title: str
    message: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What is on the programme. The slate is a scene without sources; `card` is also drawn by every
    other layout when none of its sources has a picture."""

    layout: Layout
    sources: tuple[Source, ...] = ()
    strip: Strip | None = None
    card: Card | None = None

    @property
    def pictures(self) -> tuple[Source, ...]:
        """The sources that are drawn, in the order of their boxes."""
        return tuple(source for source in self.sources if source.drawn)

    def cuts(self, before: "Scene | None") -> bool:
        """Whether little of what was on the screen stays: other pictures come, or the same elsewhere. Levels,
        a lower third and the words of a slate change less than that."""
        return before is None or self._arrangement != before._arrangement

    @property
    def _arrangement(self) -> tuple[Layout, list[str]]:
        return self.layout, [source.feed for source in self.pictures]

    def to_json(self) -> dict[str, Any]:
        """As plain data for the pipe."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Scene":
        """The opposite of `to_json`; only for data of this server itself."""
        return cls(
            Layout(data["layout"]),
            tuple(Source(**source) for source in data["sources"]),
            Strip(**data["strip"]) if data["strip"] else None,
            Card(**data["card"]) if data["card"] else None,
        )
