"""Passes: what is issued is accepted, and nothing else is."""

import base64
import json
import stat
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.passes import Claims, Passes, PassRefused, load_or_create_secret

SECRET = b"0123456789abcdef0123456789abcdef"
PASSES = Passes(SECRET, "ga2023")
FIELDS = {"sub": "thony", "role": "speaker", "event": "ga2023", "exp": 2000}


def code_of(token: str, now: float = 1500.0) -> str:
    with pytest.raises(PassRefused) as refusal:
        PASSES.check(token, now)
    return f"{refusal.value.status} {refusal.value.code}"


def test_issued_and_checked() -> None:
    """A pass says who, in which role, until when; and not a second longer."""
    token = PASSES.issue("thony", "speaker", 500, now=1500.9)
    assert PASSES.check(token, 1999.9) == Claims("thony", "speaker", "ga2023", 2000.0)
    assert code_of(token, 2000.0) == "401 pass_expired"


def test_forged_and_foreign() -> None:
    """Another secret, no signature, another algorithm, another event, other claims: all refused."""
    good = PASSES.issue("thony", "speaker", 500, now=1500)
    head, body, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    richer = (
        base64.urlsafe_b64encode(json.dumps({**FIELDS, "role": "producer"}).encode()).rstrip(b"=").decode()
    )
    for token in (
        "x",
        "a.b.c",
        f"{none}.{body}.",
        f"{head}.{richer}.{signature}",
        good + "x" * 5000,
        "é.b.c",
    ):
        assert code_of(token) == "401 pass_invalid"
    assert code_of("") == "401 pass_missing"
    assert code_of(Passes(b"y" * 32, "ga2023").issue("thony", "speaker", 500, now=1500)) == "401 pass_invalid"
    assert code_of(Passes(SECRET, "other").issue("thony", "speaker", 500, now=1500)) == "403 pass_foreign"
    assert code_of(jwt.encode(FIELDS, SECRET * 2, algorithm="HS384")) == "401 pass_invalid"


@pytest.mark.parametrize(
    "change",
    [
        {"sub": 7},
        {"sub": None},
        {"role": "king"},
        {"role": ["speaker"]},
        {"exp": "2000"},
        {"exp": None},
        {"event": 1},
    ],
)
def test_signed_nonsense(change: dict[str, object]) -> None:
    """Claims of wrong types are no pass, even when signed."""
    fields = {key: value for key, value in {**FIELDS, **change}.items() if value is not None}
    assert code_of(jwt.encode(fields, SECRET, algorithm="HS256")) == "401 pass_invalid"


@given(st.text(max_size=200))
def test_noise_is_refused(token: str) -> None:
    """Any text is refused with a code, and nothing else is raised."""
    assert code_of(token) in ("401 pass_invalid", "401 pass_missing")


@given(st.data())
def test_a_pass_with_one_sign_changed(data: st.DataObject) -> None:
    """No single changed sign makes another pass: at most the same claims in another spelling."""
    good = PASSES.issue("thony", "speaker", 500, now=1500)
    place = data.draw(st.integers(0, len(good) - 1))
    sign = data.draw(st.sampled_from("ABCxyz019-_."))
    changed = good[:place] + sign + good[place + 1 :]
    outcome: Any
    try:
        outcome = PASSES.check(changed, 1500.0)
    except PassRefused as refused:
        outcome = refused.code
    assert outcome in ("pass_invalid", PASSES.check(good, 1500.0))


def test_the_secret(tmp_path: Path) -> None:
    """Made once, kept, readable by the owner alone; a broken one is an error, not an empty secret."""
    path = tmp_path / "data" / "passes.secret"
    secret = load_or_create_secret(path)
    assert len(secret) == 32
    assert load_or_create_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["passes.secret"]
    path.write_text("")
    with pytest.raises(ValueError, match="holds no secret"):
        load_or_create_secret(path)
