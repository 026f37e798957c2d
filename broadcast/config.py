"""config.toml -> frozen dataclasses: what the event is, and how this server runs it.

`load(path)` reads the file and checks every key. Unknown keys are refused, so that a slip of the pen is
found before the show; every error is one line that names the key and the rule it breaks.
"""

import re
import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from broadcast.checks import check_person, check_reair, check_talk, unique
from broadcast.errors import ConfigError, TargetError
from broadcast.tables import record, rule
from broadcast.targets import parse as parse_target

LAYOUTS = ("full", "pip", "side", "grid")
ROLES = ("producer", "speaker", "screen", "viewer")
LEVELS = ("debug", "info", "warning", "error")
PRESETS = ("ultrafast", "superfast", "veryfast", "faster")


@dataclass(frozen=True, slots=True)
class EventConfig:
    """[event]: what people see of the event, and when it is."""

    id: str = rule(ident=True)
    name: str = rule(full=True)
    start: datetime = rule()
    timezone: str = rule("UTC")
    subtitle: str = rule("")
    place: str = rule("")
    public_viewers: bool = rule(True)
    pass_days: int = rule(30, low=1, high=3650)


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """[server]: where it listens and what the world calls it."""

    http: str = rule("0.0.0.0:8080")
    udp: tuple[str, ...] = rule(("0.0.0.0:8443", "[::]:8443"))
    advertise: tuple[str, ...] = rule(())
    workers: str = rule("auto")
    worker_udp: int = rule(0, low=0, high=65535)
    public_url: str = rule("")
    tls_cert: str = rule("")
    tls_key: str = rule("")
    data: str = rule("data")
    log_level: str = rule("info", choices=LEVELS)


@dataclass(frozen=True, slots=True)
class RenditionConfig:
    """One of programme.renditions: a smaller size for lines that do not carry the full one."""

    height: int = rule(low=90, high=1080, even=True)
    video_kbps: int = rule(low=50, high=20000)


@dataclass(frozen=True, slots=True)
class ProgrammeConfig:
    """[programme]: the size, rate and sound of what goes out."""

    width: int = rule(1280, low=320, high=1920, even=True)
    height: int = rule(720, low=180, high=1080, even=True)
    fps: int = rule(30, low=10, high=60)
    video_kbps: int = rule(2500, low=200, high=20000)
    burst_kbit: int = rule(1250, low=100, high=20000)
    preset: str = rule("superfast", choices=PRESETS)
    keyframe_seconds: float = rule(2.0, low=0.5, high=10)
    audio_kbps: int = rule(96, low=16, high=510)
    dissolve_ms: int = rule(300, low=0, high=2000)
    renditions: tuple[RenditionConfig, ...] = rule((RenditionConfig(360, 400),))


@dataclass(frozen=True, slots=True)
class SoundConfig:
    """[sound]: how loud it is, on the programme and in the ear."""

    automatic: bool = rule(True)
    target_lufs: float = rule(-23.0, low=-40, high=-10)
    max_gain_db: float = rule(18.0, low=0, high=40)
    ceiling_dbtp: float = rule(-1.5, low=-20, high=0)
    crossfade_ms: int = rule(20, low=5, high=1000)
    return_kbps: int = rule(32, low=12, high=256)
    duck_db: float = rule(12.0, low=0, high=60)


@dataclass(frozen=True, slots=True)
class SlateConfig:
    """[slate]: the card shown when nobody is on air."""

    title: str = rule("")
    message: str = rule("")
    countdown: bool = rule(True)


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """[limits]: the bounds of every queue and table; config.toml says beside each what overflow does."""

    peers: int = rule(2000, low=1, high=100000)
    strangers: int = rule(100, low=1, high=100000)
    sockets: int = rule(4000, low=1, high=100000)
    sdp_kib: int = rule(64, low=4, high=1024)
    message_kib: int = rule(64, low=1, high=1024)
    control_queue: int = rule(256, low=8, high=100000)
    handshake_seconds: float = rule(10.0, low=1, high=120)
    silence_seconds: float = rule(15.0, low=2, high=300)
    dead_feed_ms: int = rule(330, low=100, high=30000)


@dataclass(frozen=True, slots=True)
class RecordingConfig:
    """[recording]: what is kept, where, and how much of the disk it may take."""

    speakers: bool = rule(True)
    public: bool = rule(False)
    folder: str = rule("")
    keep_days: float = rule(0.0, low=0, high=36500)
    keep_gib: float = rule(0.0, low=0, high=1_000_000)
    slate_hours: float = rule(48.0, low=0, high=1_000_000)
    reserve_mib: int = rule(500, low=1, high=1_000_000)
    warn_minutes: float = rule(60.0, low=1, high=10_000)
    queue_mib: float = rule(8.0, low=0.5, high=1000)


@dataclass(frozen=True, slots=True)
class HlsConfig:
    """[hls]: the programme by HTTP, and how far back it goes."""

    part_ms: int = rule(250, low=100, high=1000)
    audio_kbps: int = rule(128, low=32, high=320)
    window_minutes: float = rule(240.0, low=1, high=10_000)
    resume_minutes: float = rule(720.0, low=0, high=10_000)
    fsync: str = rule("segment", choices=("none", "segment", "part"))
    thumbnail_seconds: int = rule(10, low=1, high=600)


@dataclass(frozen=True, slots=True)
class RestreamConfig:
    """[restream]: how the programme is sent to RTMP and SRT targets."""

    retry_seconds: float = rule(1.0, low=0.1, high=60)
    retry_most_seconds: float = rule(30.0, low=1, high=3600)
    connect_seconds: float = rule(15.0, low=1, high=120)
    stall_seconds: float = rule(10.0, low=1, high=120)
    queue_kib: int = rule(2048, low=64, high=65536)
    ca_file: str = rule("")


@dataclass(frozen=True, slots=True)
class TargetConfig:
    """[[targets]]: one RTMP or SRT server that may get the programme."""

    id: str = rule(ident=True)
    name: str = rule(full=True)
    url: str = rule(full=True, secret=True)
    key: str = rule("", secret=True)
    start: bool = rule(False)


@dataclass(frozen=True, slots=True)
class PersonConfig:
    """[[people]]: one who gets a personal link."""

    id: str = rule(ident=True)
    name: str = rule(full=True)
    role: str = rule("speaker", choices=ROLES)
    title: str = rule("")
    organisation: str = rule("")
    place: str = rule("")


@dataclass(frozen=True, slots=True)
class ClipConfig:
    """[[clips]]: a media file that can be a talk."""

    id: str = rule(ident=True)
    file: str = rule(full=True)
    loop: bool = rule(False)


@dataclass(frozen=True, slots=True)
class TalkConfig:
    """[[talks]]: one item of the rundown."""

    id: str = rule(ident=True)
    title: str = rule(full=True)
    minutes: float = rule(low=0.05, high=1440)
    speakers: tuple[str, ...] = rule(())
    layout: str = rule("full", choices=LAYOUTS)
    start: datetime | None = rule(None)
    clip: str = rule("")
    automatic: bool = rule(False)


@dataclass(frozen=True, slots=True)
class ReairConfig:
    """[[reair]]: recordings that are on air again."""

    what: str = rule("event")
    at: str = rule("")
    zone: str = rule("")
    loop: bool = rule(False)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole of config.toml. `folder` is where it lies: relative paths start there."""

    event: EventConfig
    server: ServerConfig = field(default_factory=ServerConfig)
    programme: ProgrammeConfig = field(default_factory=ProgrammeConfig)
    sound: SoundConfig = field(default_factory=SoundConfig)
    slate: SlateConfig = field(default_factory=SlateConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    recording: RecordingConfig = field(default_factory=RecordingConfig)
    hls: HlsConfig = field(default_factory=HlsConfig)
    restream: RestreamConfig = field(default_factory=RestreamConfig)
    targets: tuple[TargetConfig, ...] = ()
    people: tuple[PersonConfig, ...] = ()
    clips: tuple[ClipConfig, ...] = ()
    talks: tuple[TalkConfig, ...] = ()
    reair: tuple[ReairConfig, ...] = ()
    folder: Path = Path()

    def path(self, name: str) -> Path:
        """A path named in the file, from the file's own folder."""
        return self.folder / Path(name).expanduser()


def load(path: Path) -> Config:
    """The checked configuration in `path`. Raises `ConfigError`."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), "must be UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), f"is not TOML: {error}") from error
    return parse(table, path.parent)


def parse(table: dict[str, Any], folder: Path = Path()) -> Config:
    """The checked configuration in a table as TOML gives it. Raises `ConfigError`."""
    if "folder" in table:
        raise ConfigError("folder", "is not a key of this file")
    config = record(Config, {**table, "folder": folder}, "")
    _check_whole(config)
    return config


def _check_whole(config: Config) -> None:
    """The rules that bind several keys together."""
    if config.event.timezone not in available_timezones():
        raise ConfigError("event.timezone", "must be a name of the time zone database, such as Asia/Taipei")
    unique("people", [person.id for person in config.people])
    for n, person in enumerate(config.people):
        check_person(f"people[{n}]", person)
    unique("talks", [talk.id for talk in config.talks])
    unique("clips", [clip.id for clip in config.clips])
    unique("targets", [target.id for target in config.targets])
    for n, target in enumerate(config.targets):
        try:
            parse_target(target.url, target.key)
        except TargetError as error:
            raise ConfigError(f"targets[{n}].url", f"cannot be used: {error.message}") from None
    speakers = {person.id for person in config.people if person.role == "speaker"}
    clips = {clip.id for clip in config.clips}
    for n, talk in enumerate(config.talks):
        check_talk(f"talks[{n}]", talk, speakers, clips)
    for n, reair in enumerate(config.reair):
        check_reair(f"reair[{n}]", reair, {talk.id for talk in config.talks})
    for n, clip in enumerate(config.clips):
        if not config.path(clip.file).is_file():
            raise ConfigError(f"clips[{n}].file", f"must be a file that exists; {clip.file} does not")
    heights = [each.height for each in config.programme.renditions]
    if len(set(heights)) != len(heights):
        raise ConfigError("programme.renditions", "must name each height once")
    server = config.server
    if bool(server.tls_cert) != bool(server.tls_key):
        raise ConfigError("server.tls_cert", "and server.tls_key go together: name both or none")
    for key, address in [
        ("server.http", server.http),
        *((f"server.udp[{n}]", a) for n, a in enumerate(server.udp)),
    ]:
        host_port(key, address)
    if server.workers != "auto" and not (server.workers.isdecimal() and int(server.workers) <= 64):
        raise ConfigError("server.workers", 'must be "auto", or a number from "0" to "64" in quotes')
    if not server.udp:
        raise ConfigError("server.udp", "must name at least one address")
    if server.public_url and not server.public_url.startswith(("http://", "https://")):
        raise ConfigError("server.public_url", "must start with http:// or https://")


def host_port(key: str, text: str) -> tuple[str, int]:
    """`HOST:PORT` or `[IPV6]:PORT` taken apart. Raises `ConfigError` with `key`."""
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:\s]*)):(\d{1,5})", text)
    if match is None or int(match[3]) > 65535:
        raise ConfigError(key, "must be HOST:PORT, such as 0.0.0.0:8080 or [::]:8080")
    return match[1] or match[2] or "0.0.0.0", int(match[3])


def zone(config: Config) -> ZoneInfo:
    """The event's own time zone."""
    return ZoneInfo(config.event.timezone)
