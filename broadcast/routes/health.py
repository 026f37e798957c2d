"""Health for load balancers, and metrics for Prometheus."""

from typing import TYPE_CHECKING

from aiohttp import web

from broadcast.doorstep import Doorstep

if TYPE_CHECKING:
    from broadcast.app import App


class Health:
    """Whether the server lives, is ready, and how it fares."""

    def __init__(self, app: "App", doorstep: Doorstep) -> None:
        self._app = app
        self._doorstep = doorstep

    def add(self, router: web.UrlDispatcher) -> None:
        """Route the three."""
        router.add_get("/healthz", self._healthz)
        router.add_get("/readyz", self._readyz)
        router.add_get("/metrics", self._metrics)

    async def _healthz(self, request: web.Request) -> web.Response:
        """200 while the event loop turns."""
        return web.json_response({"ok": True})

    async def _readyz(self, request: web.Request) -> web.Response:
        """200 once the programme is on the air, 503 with what is missing until then."""
        missing = self._app.not_ready()
        return web.json_response({"ready": not missing, "missing": missing}, status=503 if missing else 200)

    async def _metrics(self, request: web.Request) -> web.Response:
        """Prometheus' text format."""
        lines = []
        refused = (
            "gauge",
            "strangers refused because too many from one address wait",
            self._doorstep.refused,
        )
        figures = {**self._app.metrics(), "pavilion_http_strangers_refused": refused}
        for name, (kind, summary, value) in sorted(figures.items()):
            lines += [f"# HELP {name} {summary}", f"# TYPE {name} {kind}", f"{name} {value:g}"]
        return web.Response(
            text="\n".join(lines) + "\n", headers={"Content-Type": "text/plain; version=0.0.4"}
        )
