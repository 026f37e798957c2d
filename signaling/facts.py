"""(P) The facts: what has happened to the show. The journal is a list of them, the state their sum.

A command is decided once, when it comes; what it led to is written down as facts and never decided again, so
a restart cannot come to another conclusion. Names and fields are stored (`records.py`): add fields with
defaults, never rename one.
"""

from dataclasses import dataclass, field

from signaling.event import Slate


@dataclass(frozen=True, slots=True)
class Came:
    """A person's page is connected."""

    person: str


@dataclass(frozen=True, slots=True)
class Left:
    """A person's last page has gone."""

    person: str


@dataclass(frozen=True, slots=True)
class Readied:
    """A person said that they are ready to go on air, or no longer are."""

    person: str
    ready: bool


@dataclass(frozen=True, slots=True)
class FeedUp:
    """A feed of this person has begun; `kind` is camera, slides or clip."""

    feed: str
    owner: str
    kind: str


@dataclass(frozen=True, slots=True)
class FeedDown:
    """A feed has ended, and why."""

    feed: str
    reason: str


@dataclass(frozen=True, slots=True)
class Cued:
    """This talk is next; None: nothing is."""

    talk: str | None


@dataclass(frozen=True, slots=True)
class Began:
    """A hand-off started. `talk` None: to the slate. `person` and `command` name the command that asked.
    `hold`: the talk that leaves the air is interrupted, not over."""

    token: str
    talk: str | None
    by: str
    person: str = ""
    command: str = ""
    layout: str = "full"
    transition: str = "cut"
    slate: Slate | None = None
    hold: bool = False
    forced: bool = False

    @property
    def by_itself(self) -> bool:
        """Whether nobody asked for it."""
        return not self.command


@dataclass(frozen=True, slots=True)
class Committed:
    """All is fit: the mixer is told to show the target at its next frame."""

    token: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The target's first frame has left the mixer: it is on air."""

    token: str


@dataclass(frozen=True, slots=True)
class Aborted:
    """The hand-off ended where it began. `again`: show what is on air once more, under this token."""

    token: str
    code: str
    message: str
    again: str | None = None
    feeds: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FellBack:
    """The slate is on air because what should be cannot. `ends`: a running hand-off ended in this."""

    token: str
    code: str
    message: str
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """The talk that fell back is on air again, without these of its feeds."""

    token: str
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """The talk on air was taken without asking for pictures and has one now: it is watched like any other."""

    talk: str


@dataclass(frozen=True, slots=True)
class Rescened:
    """The talk on air is drawn in another layout."""

    token: str
    layout: str
    transition: str = "cut"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many watched: in old journals alone, where it counts as a revision."""

    viewers: int
    screens: int


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the producers must know."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The talk on air has come to its end by itself: its clip has."""

    talk: str


@dataclass(frozen=True, slots=True)
class Lost:
    """Of the talk on air exactly these feeds are dead now: it is drawn without them."""

    token: str
    feeds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """The talk comes before that one now; None: last."""

    talk: str
    before: str | None


@dataclass(frozen=True, slots=True)
class Added:
    """There is one more talk."""

    talk: str
    title: str
    minutes: float
    speakers: tuple[str, ...] = ()
    clip: str | None = None
    before: str | None = None
    start: float | None = None
    layout: str = "full"
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """The talk is left out, or (`skipped` False) planned again."""

    talk: str
    skipped: bool


@dataclass(frozen=True, slots=True)
class Extended:
    """The talk has `minutes` more than planned, all its extensions together."""

    talk: str
    minutes: float


@dataclass(frozen=True, slots=True)
class Retimed:
    """The talk begins no earlier than `start` (Unix seconds); None: when the one before ends."""

    talk: str
    start: float | None


@dataclass(frozen=True, slots=True)
class Retitled:
    """The talk's title. `token`: it is on air, which shows the title anew."""

    talk: str
    title: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Redrawn:
    """The layout that the talk will be taken with."""

    talk: str
    layout: str


@dataclass(frozen=True, slots=True)
class Automated:
    """Whether the talk goes on by itself."""

    talk: str
    automatic: bool


@dataclass(frozen=True, slots=True)
class Reslated:
    """What the slate says unless told otherwise; None: as it did. `token`: it is on air."""

    title: str | None
    message: str | None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Levelled:
    """How loud a speaker is on air."""

    person: str
    gain_db: float
    muted: bool


@dataclass(frozen=True, slots=True)
class Spoke:
    """A producer speaks into these ears now; none: no longer."""

    person: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Texted:
    """A text cue of a producer."""

    message: str
    person: str
    to: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A speaker has read a text cue."""

    message: str
    person: str


@dataclass(frozen=True, slots=True)
class Removed:
    """A person is out until admitted."""

    person: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """A person who was removed may come again."""

    person: str


@dataclass(frozen=True, slots=True)
class Reaired:
    """Something is to be on air again, at `at` (Unix seconds). None: now; a loop once nothing is live."""

    plan: str
    what: str
    at: float | None
    loop: bool


@dataclass(frozen=True, slots=True)
class Unreaired:
    """A re-air is taken back."""

    plan: str


@dataclass(frozen=True, slots=True)
class Erased:
    """Old recordings go, by the rules of retention; `octets` of them."""

    name: str
    octets: int


@dataclass(frozen=True, slots=True)
class TargetAdded:
    """There is one more target. The journal, which only this server's user may read, keeps its secrets; logs
    do not show them."""

    target: str
    name: str
    address: str
    url: str = field(repr=False)
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TargetRemoved:
    """A target is no more."""

    target: str


@dataclass(frozen=True, slots=True)
class TargetSwitched:
    """The programme is sent to this target, or no longer."""

    target: str
    on: bool


@dataclass(frozen=True, slots=True)
class Restarted:
    """The server began again: every connection and feed is gone until it returns."""


Fact = (
    Came | Left | Readied | FeedUp | FeedDown | Cued | Began | Committed | Confirmed | Aborted | FellBack
    | Returned | Rescened | Counted | Warned | Restarted | Ended | Lost | Moved | Added | Skipped | Extended
    | Retimed | Retitled | Redrawn | Automated | Reslated | Levelled | Spoke | Texted | Acknowledged | Removed
    | Admitted | Seen | Erased | TargetAdded | TargetRemoved | TargetSwitched | Reaired | Unreaired
)  # fmt: skip
