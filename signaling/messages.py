"""(P) What a client may say: each message from its fields, strictly parsed (docs/protocol.md, section 4).

A field of the wrong type, length or range refuses the whole message; fields that nobody asked for are
ignored, so that an older server understands a newer page.
"""

from dataclasses import dataclass, field

from signaling.fields import MAX_NAME, Fields, load, malformed
from signaling.orders import (
    Acknowledge,
    Add,
    AddTarget,
    Admit,
    Aim,
    Automate,
    CancelReair,
    Command,
    Cue,
    Edit,
    Extend,
    Move,
    PassFloor,
    Ready,
    Reair,
    Redraw,
    Remove,
    RemoveTarget,
    Reslate,
    Retime,
    Retitle,
    SendText,
    SetLevel,
    SetScene,
    ShowSlate,
    Skip,
    StartTarget,
    StopTarget,
    Take,
    TalkBack,
    Unskip,
)
from signaling.refusal import Refused

MAX_PASS = 4096  # characters
MAX_TITLE = 120
MAX_SLATE = 500
MAX_TEXT = 200
MAX_TARGET = 60  # characters of a target's name
MAX_URL = 1000  # ... of its address, and of its key
GAIN_DB = (-40.0, 20.0)
MAX_PANEL = 6  # speakers of a talk: pictures that a grid shows
MAX_MINUTES = 1440.0
MAX_EXTENSION = 720.0  # minutes


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message: who I am. An empty `token` is an anonymous viewer."""

    token: str = field(repr=False)  # never in a log
    page: str = ""
    seat: bool = True  # a speaker's page takes the seat at once; one that only checks its devices does not


@dataclass(frozen=True, slots=True)
class Ping:
    sent: int | float


@dataclass(frozen=True, slots=True)
class Sit:
    """A speaker's page takes the seat now."""


@dataclass(frozen=True, slots=True)
class Report:
    """A page's own statistics."""

    stats: dict[str, int | float | str]


Message = Hello | Ping | Sit | Report | Command


def parse(text: str) -> Message:
    """One message from a client. Raises Refused: `malformed`, `unknown_type` or `bad_layout`.

    A refusal has the field `id` where the message had a usable one.
    """
    fields = load(text)
    try:
        return _parse(fields)
    except Refused as refused:
        fields.name_command(refused)
        raise


def _parse(fields: Fields) -> Message:
    match fields.text("type", MAX_NAME):
        case "hello":
            client = fields.inner("client")
            page, seat = client.text("page", MAX_NAME, ""), client.flag("seat", True)
            return Hello(fields.text("pass", MAX_PASS, ""), page, seat)
        case "sit":
            return Sit()
        case "ping":
            return Ping(fields.number("sent"))
        case "report":
            return Report(fields.inner("stats").stats())
        case "edit":
            return _edit(fields)
        case "target":
            return _target(fields)
        case kind:
            return _command(kind, fields)


def _command(kind: str, fields: Fields) -> Command:
    match kind:
        case "ready":
            ready, person = fields.flag("ready"), fields.name("person")
            return Ready(fields.id(), ready, person, revision=fields.revision())
        case "cue":
            fields.require("talk")
            talk, force = fields.name("talk"), fields.flag("force", False)
            return Cue(fields.id(), talk, force, revision=fields.revision())
        case "take":
            talk, force = fields.name("talk"), fields.flag("force", False)
            return Take(fields.id(), talk, fields.transition(), force, revision=fields.revision())
        case "slate":
            title, message = fields.line("title", MAX_TITLE), fields.line("message", MAX_SLATE)
            until, hold = fields.seconds("until"), fields.flag("hold", False)
            return ShowSlate(fields.id(), title, message, until, hold, revision=fields.revision())
        case "scene":
            layout, transition = fields.layout(), fields.transition()
            return SetScene(fields.id(), layout, transition, revision=fields.revision())
        case "pass_floor":
            return PassFloor(fields.id(), revision=fields.revision())
        case _:
            return _backstage(kind, fields)


def _backstage(kind: str, fields: Fields) -> Command:
    match kind:
        case "level":
            gain = fields.between("gain_db", *GAIN_DB) if fields.has("gain_db") else None
            muted = fields.flag("muted") if fields.has("muted") else None
            person = fields.a_name("person")
            return SetLevel(fields.id(), person, gain, muted, revision=fields.revision())
        case "talkback":
            on = fields.flag("on")
            to = None if not on or fields.get("to") == "all" else fields.names("to")
            return TalkBack(fields.id(), on, to, revision=fields.revision())
        case "message":
            group = fields.get("to")
            whom = group if isinstance(group, str) and group in ("all", "stage") else fields.names("to")
            return SendText(fields.id(), whom, fields.words("text", MAX_TEXT), revision=fields.revision())
        case "ack":
            return Acknowledge(fields.id(), fields.a_name("message"), revision=fields.revision())
        case "remove":
            return Remove(fields.id(), fields.a_name("person"), revision=fields.revision())
        case "admit":
            return Admit(fields.id(), fields.a_name("person"), revision=fields.revision())
        case "reair":
            at, loop = fields.seconds("at"), fields.flag("loop", False)
            return Reair(fields.id(), fields.a_name("what"), at, loop, revision=fields.revision())
        case "reair_cancel":
            return CancelReair(fields.id(), fields.a_name("plan"), revision=fields.revision())
        case other:
            raise Refused("unknown_type", f"There is no message of type {other!r}.")


def _edit(fields: Fields) -> Edit:
    do = fields.text("do", MAX_NAME)
    if do == "add":
        return _add(fields)
    if do == "slate":
        title, message = fields.line("title", MAX_TITLE), fields.line("message", MAX_SLATE)
        return Reslate(fields.id(), title, message, revision=fields.revision())
    id, revision, talk = fields.id(), fields.revision(), fields.a_name("talk")
    match do:
        case "move":
            fields.require("before")
            return Move(id, talk, fields.name("before"), revision=revision)
        case "skip":
            return Skip(id, talk, revision=revision)
        case "unskip":
            return Unskip(id, talk, revision=revision)
        case "extend":
            minutes = fields.between("minutes", -MAX_EXTENSION, MAX_EXTENSION)
            return Extend(id, talk, minutes, revision=revision)
        case "retime":
            fields.require("start")
            return Retime(id, talk, fields.seconds("start"), revision=revision)
        case "retitle":
            return Retitle(id, talk, fields.words("title", MAX_TITLE), revision=revision)
        case "layout":
            return Redraw(id, talk, fields.layout(), revision=revision)
        case "automatic":
            return Automate(id, talk, fields.flag("automatic"), revision=revision)
        case _:
            raise malformed("do", "must be one of the edits that the protocol names")


def _add(fields: Fields) -> Add:
    speakers = fields.names("speakers") if fields.get("speakers") else ()
    clip = fields.name("clip")
    if len(speakers) > MAX_PANEL:
        raise malformed("speakers", f"must name at most {MAX_PANEL} people")
    if bool(speakers) == bool(clip):
        raise malformed("speakers", "must name somebody, or clip a clip, and not both")
    return Add(
        fields.id(),
        fields.words("title", MAX_TITLE),
        fields.between("minutes", 0.05, MAX_MINUTES),
        speakers,
        clip,
        fields.new_name("talk"),
        fields.name("before"),
        fields.seconds("start"),
        fields.layout("full"),
        fields.flag("automatic", False),
        revision=fields.revision(),
    )


def _target(fields: Fields) -> Aim:
    do, id, revision = fields.text("do", MAX_NAME), fields.id(), fields.revision()
    match do:
        case "add":
            return AddTarget(
                id,
                fields.words("name", MAX_TARGET).strip(),
                fields.text("url", MAX_URL),
                fields.text("key", MAX_URL, "") if fields.has("key") else "",
                fields.new_name("target"),
                fields.flag("on", False),
                revision=revision,
            )
        case "remove":
            return RemoveTarget(id, fields.a_name("target"), revision=revision)
        case "start":
            return StartTarget(id, fields.a_name("target"), revision=revision)
        case "stop":
            return StopTarget(id, fields.a_name("target"), revision=revision)
        case _:
            raise malformed("do", "must be add, remove, start or stop")
