"""config.toml with anything in it: either a configuration or one `ConfigError` of one line, never a fault."""

import copy
import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.config import Config, load, parse
from broadcast.errors import ConfigError

TABLE = tomllib.loads((Path(__file__).parents[2] / "config.toml").read_text(encoding="utf-8"))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=20),
    st.datetimes(),
    st.dates(),
    st.times(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


def accepted_or_refused(table: Any) -> None:
    said: Config | str
    try:
        said = parse(table)
    except ConfigError as error:
        said = str(error)
    assert isinstance(said, Config) or len(said.splitlines()) == 1, said


@given(st.dictionaries(st.sampled_from([*TABLE, "server", "limits", "clips", "x"]), VALUES, max_size=4))
def test_any_table(table: dict[str, Any]) -> None:
    """Tables of any values are accepted or refused."""
    accepted_or_refused(table)


@settings(max_examples=300)
@given(st.data())
def test_one_wrong_value(data: st.DataObject) -> None:
    """The shipped event with one value of any kind in any place is accepted or refused."""
    table = copy.deepcopy(TABLE)
    section = data.draw(st.sampled_from([*table, "server", "programme", "limits"]))
    value = data.draw(VALUES)
    target = table.setdefault(section, {})
    if isinstance(target, list):
        target = data.draw(st.sampled_from(target))
    known = {"server": ["http", "udp", "advertise"], "programme": ["fps", "width"], "limits": ["peers"]}
    target[data.draw(st.sampled_from([*target, *known.get(section, ["id"])]))] = value
    accepted_or_refused(table)


@given(st.binary(max_size=200))
def test_any_bytes(tmp_path_factory: Any, content: bytes) -> None:
    """A file of any bytes is accepted or refused."""
    path = tmp_path_factory.mktemp("config") / "config.toml"
    path.write_bytes(content)
    said: Config | str
    try:
        said = load(path)
    except ConfigError as error:
        said = str(error)
    assert isinstance(said, Config) or len(said.splitlines()) == 1, said


def test_a_key_of_two_lines() -> None:
    """Even a key with a line break in it is refused in one line."""
    accepted_or_refused({"event": {"a\nb": 1}})
