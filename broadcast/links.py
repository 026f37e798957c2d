"""Where people find this server: its address, and everybody's personal link."""

from pathlib import Path
from typing import Any

from broadcast.config import Config, host_port
from signaling.passes import Passes, load_or_create_secret

PAGES = {"producer": "produce", "speaker": "speak", "screen": "screen", "viewer": "watch"}


def public_url(config: Config) -> str:
    """What people type to reach this server, without a slash at the end."""
    server = config.server
    if server.public_url:
        return server.public_url.rstrip("/")
    host, port = host_port("server.http", server.http)
    shown = "localhost" if host in ("0.0.0.0", "::", "127.0.0.1", "::1") else host
    scheme = "https" if server.tls_cert else "http"
    return f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{port}"


def links(config: Config, url: str | None = None) -> list[dict[str, Any]]:
    """Everybody's personal link: `role`, `id`, `name`, `url`."""
    data = config.path(config.server.data)
    data.mkdir(parents=True, exist_ok=True)
    passes = passes_of(config, data)
    base = url or public_url(config)
    rows = []
    for person in config.people:
        token = passes.issue(person.id, person.role, config.event.pass_days * 86400)
        page = f"{base}/{PAGES[person.role]}#pass={token}"
        rows.append({"role": person.role, "id": person.id, "name": person.name, "url": page})
    return rows


def passes_of(config: Config, data: Path) -> Passes:
    """Who issues and checks the event's passes; `data` keeps their secret."""
    return Passes(load_or_create_secret(data / "passes.secret"), config.event.id)
