"""The rules of config.toml that bind a talk or a re-air to the rest of the event."""

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from broadcast.errors import ConfigError

if TYPE_CHECKING:
    from broadcast.config import PersonConfig, ReairConfig, TalkConfig

GRID_MOST = 6  # pictures that a grid shows
# As signaling has them (a test holds them together), which this file may not ask:
RESERVED = "again-"  # with which the ids of re-aired talks begin
MACHINE = "again"  # who airs them, in the journal


def check_person(key: str, person: "PersonConfig") -> None:
    """Who it may be. Raises `ConfigError`."""
    if person.id == MACHINE:
        raise ConfigError(f"{key}.id", f"must not be {MACHINE}: that is who airs recorded talks again")


def check_talk(key: str, talk: "TalkConfig", speakers: set[str], clips: set[str]) -> None:
    """Whose talk it is, and with what. Raises `ConfigError`."""
    if talk.id.startswith(RESERVED):
        raise ConfigError(f"{key}.id", f"must not begin with {RESERVED}: those are re-airs")
    for speaker in talk.speakers:
        if speaker not in speakers:
            raise ConfigError(f"{key}.speakers", f"must name people with the role speaker; {speaker} is none")
    if len(set(talk.speakers)) != len(talk.speakers):
        raise ConfigError(f"{key}.speakers", "must name each person once")
    if len(talk.speakers) > GRID_MOST:
        raise ConfigError(f"{key}.speakers", f"must name at most {GRID_MOST} people")
    if talk.clip and talk.clip not in clips:
        raise ConfigError(f"{key}.clip", f"must be the id of one of the clips; {talk.clip} is none")
    if not talk.speakers and not talk.clip:
        raise ConfigError(f"{key}.speakers", "must name somebody, or talks.clip a clip")


def check_reair(key: str, reair: "ReairConfig", talks: set[str]) -> None:
    """What is on air again, and when. Raises `ConfigError`."""
    if reair.what != "event" and reair.what not in talks:
        raise ConfigError(f"{key}.what", f"must be event or the id of a talk; {reair.what} is none")
    if reair.zone and reair.zone not in available_timezones():
        raise ConfigError(f"{key}.zone", "must be a name of the time zone database, such as Asia/Kolkata")
    if not reair.at and not reair.loop:
        raise ConfigError(f"{key}.at", "must say when, or loop be true")
    if reair.at:
        try:
            at = datetime.fromisoformat(reair.at)
        except ValueError:
            at = None
        if at is None or at.tzinfo is not None:
            raise ConfigError(f"{key}.at", "must be a date and a time in that zone, such as 2023-06-08T09:00")


def unique(key: str, ids: list[str]) -> None:
    """No id twice. Raises `ConfigError`."""
    for n, each in enumerate(ids):
        if each in ids[:n]:
            raise ConfigError(f"{key}[{n}].id", f"must be used once; {each} is there twice")
