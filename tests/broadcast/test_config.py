"""config.toml: every broken rule is one line that names the key; the shipped file holds every key."""

import re
import tomllib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast import checks
from broadcast import config as settings
from broadcast.config import Config, host_port, load, parse
from broadcast.errors import ConfigError
from signaling.event import AGAIN
from signaling.plans import MACHINE

SHIPPED = Path(__file__).parents[2] / "config.toml"


def event(**more: Any) -> dict[str, Any]:
    table = tomllib.loads("[event]\nid='show'\nname='Show'\nstart=2023-03-29T14:00:00+08:00")
    table["event"].update(more)
    return table


def with_talk(**talk: Any) -> dict[str, Any]:
    return {
        **event(),
        "people": [{"id": "ann", "name": "Ann"}, {"id": "boss", "name": "Boss", "role": "producer"}],
        "talks": [{"id": "one", "title": "One", "minutes": 5, "speakers": ["ann"], **talk}],
    }


BROKEN = [
    ({}, "event: is required"),
    ({"event": 3}, "event: must be a table"),
    (
        event(nmae="x"),
        "event.nmae: is not a key here; there are id, name, pass_days, place, public_viewers, "
        "start, subtitle, timezone",
    ),
    (event(name=" "), "event.name: must not be empty"),
    (event(name="two\nlines"), "event.name: must be one line, without control characters"),
    (event(name=7), "event.name: must be a text in quotes"),
    (event(id="Go Smart"), "event.id: must be 1 to 40 small letters, digits, - or _, such as lanvin"),
    (
        event(start=tomllib.loads("t=2023-03-29T14:00:00")["t"]),
        "event.start: must name its offset from UTC, such as +08:00",
    ),
    (event(start="soon"), "event.start: must be a date and time, such as 2023-03-29T14:00:00+08:00"),
    (
        event(timezone="Asia/Taipeh"),
        "event.timezone: must be a name of the time zone database, such as Asia/Taipei",
    ),
    (event(public_viewers=1), "event.public_viewers: must be true or false"),
    ({**event(), "programme": {"width": 1281}}, "programme.width: must be even"),
    ({**event(), "programme": {"fps": True}}, "programme.fps: must be a whole number"),
    ({**event(), "programme": {"fps": 500}}, "programme.fps: must be at most 60"),
    (
        {**event(), "programme": {"keyframe_seconds": float("nan")}},
        "programme.keyframe_seconds: must be at least 0.5",
    ),
    (
        {**event(), "programme": {"preset": "medium"}},
        "programme.preset: must be one of ultrafast, superfast, veryfast, faster",
    ),
    (
        {**event(), "programme": {"renditions": [{"height": 360, "video_kbps": 400}] * 2}},
        "programme.renditions: must name each height once",
    ),
    ({**event(), "server": {"udp": "0.0.0.0:1"}}, "server.udp: must be a list"),
    ({**event(), "server": {"udp": []}}, "server.udp: must name at least one address"),
    (
        {**event(), "server": {"udp": ["x"]}},
        "server.udp[0]: must be HOST:PORT, such as 0.0.0.0:8080 or [::]:8080",
    ),
    (
        {**event(), "server": {"tls_cert": "a"}},
        "server.tls_cert: and server.tls_key go together: name both or none",
    ),
    (
        {**event(), "server": {"public_url": "example.org"}},
        "server.public_url: must start with http:// or https://",
    ),
    ({**event(), "folder": "x"}, "folder: is not a key of this file"),
    (
        {**event(), "people": [{"id": "a", "name": "A"}, {"id": "a", "name": "B"}]},
        "people[1].id: must be used once; a is there twice",
    ),
    (
        {**event(), "people": [{"id": "a", "name": "A", "role": "king"}]},
        "people[0].role: must be one of producer, speaker, screen, viewer",
    ),
    (
        {**event(), "people": [{"id": "again", "name": "A"}]},
        "people[0].id: must not be again: that is who airs recorded talks again",
    ),
    (with_talk(speakers=["bob"]), "talks[0].speakers: must name people with the role speaker; bob is none"),
    (with_talk(speakers=["boss"]), "talks[0].speakers: must name people with the role speaker; boss is none"),
    (with_talk(speakers=["ann", "ann"]), "talks[0].speakers: must name each person once"),
    (with_talk(speakers=[]), "talks[0].speakers: must name somebody, or talks.clip a clip"),
    (with_talk(id="again-one"), "talks[0].id: must not begin with again-: those are re-airs"),
    (with_talk(clip="film"), "talks[0].clip: must be the id of one of the clips; film is none"),
    (with_talk(minutes=0), "talks[0].minutes: must be at least 0.05"),
    (
        {**event(), "targets": [{"id": "a", "name": "A", "url": "http://host/live/KEY"}]},
        "targets[0].url: cannot be used: The address must begin with rtmp://, rtmps:// or srt:// and a host.",
    ),
    (
        {**event(), "clips": [{"id": "film", "file": "no-such.mp4"}]},
        "clips[0].file: must be a file that exists; no-such.mp4 does not",
    ),
]


@pytest.mark.parametrize(("table", "line"), BROKEN, ids=[line[:50] for _, line in BROKEN])
def test_broken(table: dict[str, Any], line: str) -> None:
    """A broken rule is told in one line that names the key."""
    with pytest.raises(ConfigError) as error:
        parse(table)
    assert str(error.value) == line


def test_shipped_file_loads() -> None:
    """The shipped file is valid and holds the reference event."""
    config = load(SHIPPED)
    assert config.event.id == "gosmart-2023"
    assert [talk.id for talk in config.talks][:3] == ["thony", "lanvin", "vermast"]


def test_shipped_file_holds_every_key_with_its_default() -> None:
    """Each key stands in the shipped file, live or commented out with the value of its default."""
    text = SHIPPED.read_text()
    tables = {item.name: item for item in fields(Config) if item.name != "folder"}
    hints = {
        "event": settings.EventConfig, "server": settings.ServerConfig, "programme": settings.ProgrammeConfig,
        "slate": settings.SlateConfig, "limits": settings.LimitsConfig, "people": settings.PersonConfig,
        "sound": settings.SoundConfig, "clips": settings.ClipConfig, "talks": settings.TalkConfig,
        "recording": settings.RecordingConfig, "reair": settings.ReairConfig, "hls": settings.HlsConfig,
        "restream": settings.RestreamConfig, "targets": settings.TargetConfig,
    }  # fmt: skip
    assert hints.keys() == tables.keys()
    for table, cls in hints.items():
        section = _section(text, table)
        for item in fields(cls):
            assert re.search(rf"^(# )?{item.name} = ", section, re.M), f"{table}.{item.name}"
            commented = re.search(rf"^# {item.name} = (.+?)(\s+#|$)", section, re.M)
            if commented and table in ("event", "server", "programme", "slate", "limits"):
                value = tomllib.loads(f"x = {commented[1]}")["x"]
                default = (
                    [asdict(each) for each in item.default] if item.name == "renditions" else item.default
                )
                assert (tuple(value) if isinstance(default, tuple) else value) == default, item.name


def _section(text: str, table: str) -> str:
    """The lines of all tables of this name, commented-out ones included."""
    found = re.findall(rf"^(?:# )?\[+{table}\]+.*?\n(.*?)(?=^(?:# )?\[|\Z)", text, re.M | re.S)
    assert found, table
    return "\n".join(found)


@pytest.mark.parametrize(
    ("content", "rule"),
    [(b"a = ", "is not TOML"), (b"\xff", "must be UTF-8 text"), (None, "cannot be read")],
)
def test_unreadable(tmp_path: Path, content: bytes | None, rule: str) -> None:
    """A file that cannot be read, decoded or parsed is a configuration error, too."""
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=rule):
        load(path)


@pytest.mark.parametrize(
    ("text", "pair"),
    [("0.0.0.0:80", ("0.0.0.0", 80)), ("[::1]:8443", ("::1", 8443)), (":80", ("0.0.0.0", 80))],
)
def test_host_port(text: str, pair: tuple[str, int]) -> None:
    """Addresses of both families are taken apart."""
    assert host_port("key", text) == pair


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["event", "server", "talks", "people", "limits", "x"]), json_like))
def test_any_table_is_refused_politely(table: dict[str, Any]) -> None:
    """Whatever the file holds, the only exception is `ConfigError`."""
    with pytest.raises(ConfigError):
        parse(table)


def test_what_is_reserved_is_what_signaling_uses() -> None:
    """Ids that a configuration may not have are those that re-airs get."""
    assert (AGAIN, MACHINE.id) == (checks.RESERVED, checks.MACHINE)
