"""The UDP ports in the configuration's words: the server's own, and its workers'."""

from collections.abc import Sequence

from broadcast.config import Config, host_port
from broadcast.outputs.renditions import Size
from broadcast.transport.port import PortSettings
from broadcast.workers.supervisor import how_many
from broadcast.workers.wire import WorkerSettings, spread


def port_settings(config: Config) -> PortSettings:
    """The server's own."""
    server, limits = config.server, config.limits
    return PortSettings(
        bind=tuple(host_port(f"server.udp[{n}]", address) for n, address in enumerate(server.udp)),
        advertise=server.advertise,
        max_peers=limits.peers,
        handshake_timeout=limits.handshake_seconds,
        silence_timeout=limits.silence_seconds,
    )


def worker_settings(config: Config, sizes: Sequence[Size]) -> list[WorkerSettings]:
    """One for each worker; `sizes` are the renditions that it is sent."""
    own, server = port_settings(config), config.server
    settings = WorkerSettings(
        own.bind, own.advertise, own.max_peers, own.handshake_timeout, own.silence_timeout, tuple(sizes)
    )
    return spread(settings, how_many(server.workers), server.worker_udp)
