"""The HTTP side of the app: listens, and puts the themes of this folder together."""

import ssl
from typing import TYPE_CHECKING

from aiohttp import web

from broadcast.config import Config, host_port
from broadcast.doorstep import Doorstep
from broadcast.errors import PavilionError
from broadcast.routes import pages
from broadcast.routes.answers import add_headers, errors_in_one_shape
from broadcast.routes.api import Api
from broadcast.routes.control import Control
from broadcast.routes.health import Health
from broadcast.routes.hls import Hls
from broadcast.routes.media import Media
from broadcast.routes.recordings import Recordings

if TYPE_CHECKING:
    from broadcast.app import App

STOP_SECONDS = 3.0  # how long open requests may take when the server stops


class Routes:
    """Every URL."""

    def __init__(self, config: Config, app: "App") -> None:
        self._config = config
        self._app = app
        self.doorstep = Doorstep(config.limits.strangers)
        self._media = Media(app, self.doorstep)
        self._control = Control(app, config.limits)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises `PavilionError` when the address is taken or the certificate is bad."""
        site = web.Application(
            middlewares=[errors_in_one_shape], client_max_size=self._config.limits.sdp_kib * 1024
        )
        site.on_response_prepare.append(add_headers)
        self._route(site.router)
        self._runner = web.AppRunner(site, access_log=None, shutdown_timeout=STOP_SECONDS)
        await self._runner.setup()
        server = self._config.server
        host, port = host_port("server.http", server.http)
        try:
            await web.TCPSite(self._runner, host, port, ssl_context=self._tls(), backlog=1024).start()
        except OSError as error:
            raise PavilionError(
                f"cannot listen on http {server.http}: {error.strerror}. Is another server running? "
                "Choose another with --http HOST:PORT.",
                code="port_taken",
            ) from error

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        self._control.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def bar(self, people: frozenset[str]) -> None:
        """End every session of these people, and begin none."""
        self._media.bar(people)

    def _tls(self) -> ssl.SSLContext | None:
        server = self._config.server
        if not server.tls_cert:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self._config.path(server.tls_cert), self._config.path(server.tls_key))
        except (OSError, ssl.SSLError) as error:
            raise PavilionError(f"server.tls_cert and server.tls_key cannot be used: {error}") from error
        return context

    def _route(self, router: web.UrlDispatcher) -> None:
        pages.add(router, self._app.fonts)
        self._media.add(router)
        self._control.add(router)
        Hls(self._app, self._config.event.public_viewers).add(router)
        Api(self._app).add(router)
        Recordings(self._app, self._app.shelf, self._config.recording.public).add(router)
        Health(self._app, self.doorstep).add(router)
