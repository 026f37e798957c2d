"""What clients say is parsed strictly: exact types, limits, and one of three refusals."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.messages import Hello, Ping, Report, parse
from signaling.orders import (
    Acknowledge,
    Add,
    AddTarget,
    Admit,
    Automate,
    Command,
    Cue,
    Extend,
    Move,
    PassFloor,
    Ready,
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

GOOD: list[tuple[dict[str, Any], Any]] = [
    ({"type": "hello", "pass": "x", "client": {"page": "speak"}}, Hello("x", "speak")),
    ({"type": "hello"}, Hello("")),
    ({"type": "hello", "pass": None}, Hello("")),
    ({"type": "ping", "sent": 1.5}, Ping(1.5)),
    ({"type": "ready", "id": "a", "ready": True}, Ready("a", True)),
    ({"type": "ready", "id": "a", "ready": False, "person": "p"}, Ready("a", False, "p")),
    ({"type": "cue", "id": "a", "talk": None}, Cue("a", None)),
    ({"type": "cue", "id": "a", "talk": "t", "force": True, "revision": 4}, Cue("a", "t", True, revision=4)),
    ({"type": "take", "id": "a"}, Take("a")),
    (
        {"type": "take", "id": "a", "talk": "t", "transition": "dissolve", "force": True, "new": 1},
        Take("a", "t", "dissolve", True),
    ),
    ({"type": "slate", "id": "a"}, ShowSlate("a")),
    (
        {"type": "slate", "id": "a", "title": "休息", "message": "15'", "until": 1500, "hold": True},
        ShowSlate("a", "休息", "15'", 1.5, True),
    ),
    ({"type": "scene", "id": "a", "layout": "grid"}, SetScene("a", "grid")),
    ({"type": "pass_floor", "id": "a"}, PassFloor("a")),
    ({"type": "level", "id": "a", "person": "p"}, SetLevel("a", "p")),
    ({"type": "level", "id": "a", "person": "p", "gain_db": -6, "muted": True}, SetLevel("a", "p", -6, True)),
    ({"type": "talkback", "id": "a", "on": True, "to": "all"}, TalkBack("a", True)),
    ({"type": "talkback", "id": "a", "on": True, "to": ["p"]}, TalkBack("a", True, ("p",))),
    ({"type": "talkback", "id": "a", "on": False}, TalkBack("a", False)),
    ({"type": "message", "id": "a", "to": "stage", "text": "Go"}, SendText("a", "stage", "Go")),
    ({"type": "message", "id": "a", "to": ["p", "q"], "text": "Go"}, SendText("a", ("p", "q"), "Go")),
    ({"type": "ack", "id": "a", "message": "7"}, Acknowledge("a", "7")),
    ({"type": "remove", "id": "a", "person": "p"}, Remove("a", "p")),
    ({"type": "admit", "id": "a", "person": "p"}, Admit("a", "p")),
    ({"type": "edit", "id": "a", "do": "move", "talk": "t", "before": None}, Move("a", "t", None)),
    (
        {"type": "edit", "id": "a", "do": "add", "title": "T", "minutes": 5, "speakers": ["p"]},
        Add("a", "T", 5.0, ("p",)),
    ),
    (
        {
            "type": "edit",
            "id": "a",
            "do": "add",
            "title": "T",
            "minutes": 5,
            "clip": "c",
            "talk": "t",
            "before": "u",
            "start": 1500,
            "layout": "pip",
            "automatic": True,
        },
        Add("a", "T", 5.0, (), "c", "t", "u", 1.5, "pip", True),
    ),
    ({"type": "edit", "id": "a", "do": "skip", "talk": "t"}, Skip("a", "t")),
    ({"type": "edit", "id": "a", "do": "unskip", "talk": "t"}, Unskip("a", "t")),
    ({"type": "edit", "id": "a", "do": "extend", "talk": "t", "minutes": -5}, Extend("a", "t", -5.0)),
    ({"type": "edit", "id": "a", "do": "retime", "talk": "t", "start": 1500}, Retime("a", "t", 1.5)),
    ({"type": "edit", "id": "a", "do": "retime", "talk": "t", "start": None}, Retime("a", "t", None)),
    ({"type": "edit", "id": "a", "do": "retitle", "talk": "t", "title": "T"}, Retitle("a", "t", "T")),
    ({"type": "edit", "id": "a", "do": "layout", "talk": "t", "layout": "pip"}, Redraw("a", "t", "pip")),
    (
        {"type": "edit", "id": "a", "do": "automatic", "talk": "t", "automatic": True, "revision": 3},
        Automate("a", "t", True, revision=3),
    ),
    ({"type": "edit", "id": "a", "do": "slate", "message": "M"}, Reslate("a", None, "M")),
    (
        {"type": "target", "id": "a", "do": "add", "name": "Tube ", "url": "rtmp://h/a/k"},
        AddTarget("a", "Tube", "rtmp://h/a/k"),
    ),
    (
        {
            "type": "target",
            "id": "a",
            "do": "add",
            "name": "T",
            "url": "u",
            "key": "k",
            "target": "t",
            "on": True,
        },
        AddTarget("a", "T", "u", "k", "t", True),
    ),
    ({"type": "target", "id": "a", "do": "remove", "target": "t"}, RemoveTarget("a", "t")),
    ({"type": "target", "id": "a", "do": "start", "target": "t"}, StartTarget("a", "t")),
    (
        {"type": "target", "id": "a", "do": "stop", "target": "t", "revision": 3},
        StopTarget("a", "t", revision=3),
    ),
    ({"type": "report", "stats": {"fps": 30, "why": "x", "rtt_ms": None}}, Report({"fps": 30, "why": "x"})),
]

BAD: list[tuple[str, str]] = [
    ("", "malformed"),
    ("[]", "malformed"),
    ("null", "malformed"),
    ("{}", "malformed"),
    ("[" * 60000, "malformed"),
    ('{"type":"ping","sent":' + "9" * 60000 + "}", "malformed"),
    ('{"type":"ping","sent":' + "9" * 310 + "}", "malformed"),
    ('{"type":"ping","sent":NaN}', "malformed"),
    ('{"type":"ping","sent":1e999}', "malformed"),
    ('{"type":"ping","sent":true}', "malformed"),
    ('{"type":"ping"}', "malformed"),
    ('{"type":"\\ud800"}', "malformed"),
    ('{"type":5}', "malformed"),
    ('{"type":"dance","id":"a"}', "unknown_type"),
    ('{"type":"cue","id":"a"}', "malformed"),
    ('{"type":"cue","id":"","talk":"t"}', "malformed"),
    ('{"type":"cue","id":"a\\n","talk":"t"}', "malformed"),
    ('{"type":"cue","id":"' + "a" * 65 + '","talk":"t"}', "malformed"),
    ('{"type":"cue","id":"a","talk":["t"]}', "malformed"),
    ('{"type":"take","id":"a","force":1}', "malformed"),
    ('{"type":"take","id":"a","revision":true}', "malformed"),
    ('{"type":"take","id":"a","revision":-1}', "malformed"),
    ('{"type":"take","id":"a","transition":"wipe"}', "malformed"),
    ('{"type":"scene","id":"a","layout":"slate"}', "bad_layout"),
    ('{"type":"slate","id":"a","until":"soon"}', "malformed"),
    ('{"type":"slate","id":"a","title":"\\u0007"}', "malformed"),
    ('{"type":"slate","id":"a","message":"two\\nlines"}', "malformed"),
    ('{"type":"edit","id":"a","do":"retitle","talk":"t","title":"two\\u2029lines"}', "malformed"),
    ('{"type":"level","id":"a","person":"p","gain_db":21}', "malformed"),
    ('{"type":"level","id":"a","person":"p","muted":0}', "malformed"),
    ('{"type":"level","id":"a"}', "malformed"),
    ('{"type":"talkback","id":"a","on":true}', "malformed"),
    ('{"type":"talkback","id":"a","on":true,"to":[]}', "malformed"),
    ('{"type":"talkback","id":"a","on":true,"to":["p","p"]}', "malformed"),
    ('{"type":"talkback","id":"a","on":true,"to":[7]}', "malformed"),
    ('{"type":"message","id":"a","to":"stage","text":" "}', "malformed"),
    ('{"type":"message","id":"a","to":"nobody","text":"x"}', "malformed"),
    ('{"type":"message","id":"a","to":"all","text":"' + "x" * 201 + '"}', "malformed"),
    ('{"type":"ack","id":"a"}', "malformed"),
    ('{"type":"remove","id":"a","person":null}', "malformed"),
    ('{"type":"edit","id":"a","talk":"t"}', "malformed"),
    ('{"type":"edit","id":"a","do":"burn","talk":"t"}', "malformed"),
    ('{"type":"edit","id":"a","do":"move","talk":"t"}', "malformed"),
    ('{"type":"edit","id":"a","do":"extend","talk":"t","minutes":721}', "malformed"),
    ('{"type":"edit","id":"a","do":"retitle","talk":"t","title":""}', "malformed"),
    ('{"type":"edit","id":"a","do":"layout","talk":"t","layout":"x"}', "bad_layout"),
    ('{"type":"edit","id":"a","do":"add","title":"T","minutes":5}', "malformed"),
    ('{"type":"edit","id":"a","do":"add","title":"T","minutes":5,"speakers":["p"],"clip":"c"}', "malformed"),
    ('{"type":"edit","id":"a","do":"add","title":"T","minutes":0,"clip":"c"}', "malformed"),
    ('{"type":"edit","id":"a","do":"add","title":"T","minutes":5,"clip":"c","talk":"No"}', "malformed"),
    (
        '{"type":"edit","id":"a","do":"add","title":"T","minutes":5,"speakers":["1","2","3","4","5","6","7"]}',
        "malformed",
    ),
    ('{"type":"target","id":"a","do":"add","name":"T"}', "malformed"),
    ('{"type":"target","id":"a","do":"add","name":" ","url":"u"}', "malformed"),
    ('{"type":"target","id":"a","do":"add","name":"T","url":"u","target":"No"}', "malformed"),
    ('{"type":"target","id":"a","do":"start"}', "malformed"),
    ('{"type":"target","id":"a","do":"burn","target":"t"}', "malformed"),
    ('{"type":"report","stats":{"a":{"b":1}}}', "malformed"),
    ('{"type":"report","stats":' + json.dumps({str(n): n for n in range(33)}) + "}", "malformed"),
    ('{"type":"hello","pass":"' + "x" * 70000 + '"}', "malformed"),
]


@pytest.mark.parametrize(("fields", "message"), GOOD)
def test_good_messages(fields: dict[str, Any], message: Any) -> None:
    """Every message of the protocol is understood, with its defaults."""
    assert parse(json.dumps(fields)) == message


@pytest.mark.parametrize(("text", "code"), BAD, ids=range(len(BAD)))
def test_bad_messages(text: str, code: str) -> None:
    """Every slip is refused with its stable code."""
    with pytest.raises(Refused) as refusal:
        parse(text)
    assert refusal.value.code == code


def test_a_refusal_names_the_command() -> None:
    """A malformed command is answered under its id, where it has a usable one."""
    for text, ident in [
        ('{"type":"take","id":"a","force":1}', "a"),
        ('{"type":"dance","id":"b"}', "b"),
        ('{"type":"take","id":7}', None),
    ]:
        with pytest.raises(Refused) as refusal:
            parse(text)
        assert refusal.value.id == ident


def test_a_pass_is_never_shown() -> None:
    """A hello in a log does not hold the pass."""
    assert "secret" not in repr(parse('{"type":"hello","pass":"secret"}'))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
KEYS = [
    *("id", "talk", "force", "revision", "transition", "layout", "ready", "person", "stats", "sent", "pass"),
    *("do", "before", "title", "minutes", "speakers", "clip", "start", "automatic", "message", "to", "text"),
    *("on", "gain_db", "muted", "name", "url", "key", "target"),
]
KINDS = [
    *("hello", "ping", "report", "ready", "cue", "take", "slate", "scene", "pass_floor", "x"),
    *("edit", "level", "talkback", "message", "ack", "remove", "admit", "target"),
]


@given(
    st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), JSON, max_size=6),
    st.sampled_from(KINDS),
)
def test_any_object_is_parsed_or_refused(fields: dict[str, Any], kind: str) -> None:
    """Whatever the shape, there is a message or a documented refusal, and a command has a usable id."""
    outcome: Any
    try:
        outcome = parse(json.dumps({**fields, "type": kind}))
    except Refused as refused:
        outcome = refused
    if isinstance(outcome, Refused):
        assert outcome.code in ("malformed", "unknown_type", "bad_layout")
    elif isinstance(outcome, Command):
        assert 1 <= len(outcome.id) <= 64


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda data: data.decode("latin-1")))
def test_any_text_is_refused(text: str) -> None:
    """Noise is refused, and nothing else is raised."""
    with pytest.raises(Refused):
        parse(text)


@pytest.mark.parametrize("fields", [fields for fields, _ in GOOD])
def test_cut_off_anywhere(fields: dict[str, Any]) -> None:
    """A message cut off at any length is refused."""
    text = json.dumps(fields, ensure_ascii=False)
    for length in range(len(text)):
        with pytest.raises(Refused):
            parse(text[:length])
