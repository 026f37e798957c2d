"""A small event and a stage without media, shared by the tests of `signaling`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from signaling.director import Level
from signaling.event import Event, Moment, Person, Slate, Talk, Target
from signaling.refusal import Refused

PRODUCERS = (Person("ping", "Ping Chen", "producer"), Person("pia", "Pia Lang", "producer"))
SPEAKERS = (
    Person("thony", "Callysta Thony", "speaker", "Product Strategist", "GovTech Edu", "Jakarta"),
    Person("lanvin", "Bruno Lanvin", "speaker", "President", "IMD", "Lausanne"),
    Person("vermast", "Frans-Anton Vermast", "speaker", "Ambassador", "Amsterdam", "Amsterdam"),
)
SCREEN = Person("pavilion", "Pavilion", "screen")
VIEWER = Person("vera", "Vera", "viewer")
EVENT = Event(
    id="ga2023",
    name="General Assembly",
    subtitle="Smart cities",
    place="Taipei",
    timezone="Asia/Taipei",
    start=1680069600.0,
    end=1680078600.0,
    talks=(
        Talk("one", "Reorienting", ("thony",), minutes=20, start=1680069600.0),
        Talk("two", "Reinventing", ("lanvin",), "pip", slides="lanvin.slides", minutes=20),
        Talk("panel", "Panel", ("thony", "vermast"), "side", minutes=30),
        Talk("film", "A film", clip="film", minutes=5),
        Talk("break", "Coffee", minutes=10),
    ),
    clips=("film", "trailer"),
    people=(*PRODUCERS, *SPEAKERS, SCREEN, VIEWER),
    slate=Slate("General Assembly", "We start soon", 1680069600.0),
    targets=(Target("tube", "The tube", "rtmp://masked", fixed=True),),
)
PING, PIA = PRODUCERS
THONY, LANVIN, VERMAST = SPEAKERS


class FakeStage:
    """The media side as the desk sees it: which feeds have a picture, and what was asked to be shown."""

    def __init__(self) -> None:
        self.fresh: set[str] = set()
        self.garbled: set[str] = set()  # of them, those that nobody can decode
        self.up = True
        self.shown: list[tuple[Any, ...]] = []
        self.staged: list[tuple[str, ...]] = []
        self.lost: tuple[str, ...] = ()
        self.airing = ""
        self.since: float | None = None
        self.loud: dict[str, Level] = {}
        self.voices: dict[str, tuple[str, ...]] = {}
        self.barred: frozenset[str] = frozenset()
        self.targets: tuple[Target, ...] = ()

    def stage(self, talks: Sequence[Talk]) -> None:
        self.staged.append(tuple(talk.id for talk in talks))

    def silent(self, talk: Talk) -> list[str]:
        return [feed for feed in talk.feeds if feed not in self.fresh]

    def missing(self, talk: Talk) -> list[str]:
        return [feed for feed in talk.feeds if feed not in self.fresh - self.garbled]

    def show_talk(
        self,
        token: str,
        talk: Talk,
        layout: str,
        people: Sequence[Person],
        transition: str,
        lost: Collection[str],
        airing: str,
        since: float | None,
    ) -> None:
        self.shown.append((token, talk.id, layout, [person.id for person in people], transition))
        self.lost = tuple(lost)
        self.airing = airing
        self.since = since

    def show_slate(self, token: str, slate: Slate) -> None:
        self.shown.append((token, None, slate))

    def levels(self, levels: Mapping[str, Level]) -> None:
        self.loud = dict(levels)

    def ears(self, voices: Mapping[str, tuple[str, ...]]) -> None:
        self.voices = dict(voices)

    def bar(self, people: frozenset[str]) -> None:
        self.barred = people

    def restream(self, targets: Sequence[Target]) -> None:
        self.targets = tuple(targets)

    def address(self, url: str, key: str) -> str:
        if "://" not in url:
            raise Refused("bad_target", "Not an address.")
        return f"{url.partition('://')[0]}://masked"

    def health(self) -> dict[str, Any]:
        return {"feeds": [], "mixer": {"state": "up"}}

    def mixer_up(self) -> bool:
        return self.up


def at(mono: float) -> Moment:
    """That many seconds into the show."""
    return Moment(mono, 1680069600.0 + mono)
