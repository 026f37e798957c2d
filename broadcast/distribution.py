"""Where else the programme goes: the targets of the config and of the desk, with their secrets."""

from collections.abc import Callable, Sequence
from typing import Any

from broadcast.config import Config
from broadcast.outputs.programme import AAC, FULL, Programme
from broadcast.outputs.restream.line import Patience
from broadcast.outputs.restream.outlet import Order, Settings
from broadcast.outputs.restream.restream import Restream
from broadcast.targets import parse
from signaling.event import Target


class Distribution:
    """`start`, `send_to` as often as the desk says so, `await stop()` in the end."""

    def __init__(self, config: Config) -> None:
        self._fixed = {each.id: each for each in config.targets}
        self._restream = Restream(_settings(config))

    def start(self, programme: Programme, keyframe: Callable[[], None]) -> None:
        """Take the programme from now on; `keyframe` is called when a target needs one."""
        for feed in (FULL, AAC):
            programme.attach(self._restream.send, feed)
        self._restream.on_keyframe_needed = keyframe
        self._restream.start()

    def send_to(self, targets: Sequence[Target]) -> None:
        """Exactly these targets get the programme; the secrets of the fixed ones stand in the config."""
        secrets = [(each.id, self._fixed[each.id] if each.fixed else each) for each in targets]
        self._restream.want(
            Order(name, parse(place.url, place.key), place.url, place.key) for name, place in secrets
        )

    def health(self) -> list[dict[str, Any]]:
        """`restream` of the `health` message (docs/protocol.md, section 6)."""
        return self._restream.health()

    def stats(self) -> dict[str, float]:
        """For the metrics."""
        return self._restream.stats()

    async def stop(self) -> None:
        """End every connection. Idempotent."""
        await self._restream.stop()


def targets_of(config: Config) -> tuple[Target, ...]:
    """The targets of the config, as they may be shown."""
    return tuple(
        Target(each.id, each.name, parse(each.url, each.key).address, each.start, fixed=True)
        for each in config.targets
    )


def _settings(config: Config) -> Settings:
    rules = config.restream
    return Settings(
        Patience(rules.retry_seconds, rules.retry_most_seconds, rules.connect_seconds, rules.stall_seconds),
        rules.queue_kib * 1024,
        str(config.path(rules.ca_file)) if rules.ca_file else "",
    )
