"""What clients say is parsed strictly: exact types, limits, and one of three refusals."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.messages import Hello, Ping, Report, parse
from signaling.orders import Command, Cue, PassFloor, Ready, SetScene, ShowSlate, Take
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
        {"type": "slate", "id": "a", "title": "休息", "message": "15'\n", "until": 1500, "hold": True},
        ShowSlate("a", "休息", "15'\n", 1.5, True),
    ),
    ({"type": "scene", "id": "a", "layout": "grid"}, SetScene("a", "grid")),
    ({"type": "pass_floor", "id": "a"}, PassFloor("a")),
    ({"type": "report", "stats": {"fps": 30, "why": "x", "rtt_ms": None}}, Report({"fps": 30, "why": "x"})),
]

BAD: list[tuple[str, str]] = [
    ("", "malformed"),
    ("[]", "malformed"),
    ("null", "malformed"),
    ("{}", "malformed"),
    ("[" * 60000, "malformed"),
    ('{"type":"ping","sent":' + "9" * 60000 + "}", "malformed"),
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
KEYS = ["id", "talk", "force", "revision", "transition", "layout", "ready", "person", "stats", "sent", "pass"]


@given(
    st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), JSON, max_size=6),
    st.sampled_from(["hello", "ping", "report", "ready", "cue", "take", "slate", "scene", "pass_floor", "x"]),
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
