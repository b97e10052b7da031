"""Hands out the page: files from memory, read only."""

import errno
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from stridehub import __version__
from stridehub.dashboard.files import INDEX, PageFile, page_file, page_files
from stridehub.dashboard.policy import headers, host_of, is_loopback, websocket_origin
from stridehub.dashboard.settings import PageSettings
from stridehub.hosts import in_url
from stridehub.timing import PAGE_CLOSE_S, PAGE_KEEPALIVE_S

log = logging.getLogger(__name__)

CONFIG = "/config.json"
ANY_PORT = 0
_MOST_HEADER_BYTES = 4096  # a line, and a field: browsers send some hundred bytes


class PageConfig(msgspec.Struct, frozen=True, kw_only=True):
    """/config.json."""

    v: int = 1
    broker: str | None
    ws_port: int
    hub: str
    version: str
    commands: bool
    user: str | None
    password: str | None


@asynccontextmanager
async def serving(settings: PageSettings) -> AsyncIterator[str]:
    """The page is there, at the URL that is yielded. A taken port moves to a free one.

    Raises OSError where it cannot listen.
    """
    server = _Server(settings)
    runner = web.ServerRunner(
        web.Server(
            server.answer,
            access_log=None,
            keepalive_timeout=PAGE_KEEPALIVE_S,
            max_line_size=_MOST_HEADER_BYTES,
            max_field_size=_MOST_HEADER_BYTES,
        ),
        shutdown_timeout=PAGE_CLOSE_S,
    )
    await runner.setup()
    try:
        port = await _listen(runner, settings)
        yield f"http://{_reachable(in_url(settings.listen))}:{port}/"
    finally:
        await runner.cleanup()


async def _listen(runner: web.ServerRunner, settings: PageSettings) -> int:
    try:
        return await _listen_at(runner, settings.listen, settings.port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        port = await _listen_at(runner, settings.listen, ANY_PORT)
        log.warning("port %d is taken; the page is at port %d", settings.port, port)
        return port


async def _listen_at(runner: web.ServerRunner, host: str, port: int) -> int:
    await web.TCPSite(runner, host, port).start()
    bound: int = runner.addresses[0][1]
    return bound


def _reachable(host: str) -> str:
    """Something a browser on this machine can open."""
    return {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)


class _Server:
    def __init__(self, settings: PageSettings) -> None:
        self._settings = settings
        self._files = page_files()
        self._files["/"] = self._files[INDEX]
        self._files[CONFIG] = self._config()
        self._is_local = is_loopback(settings.listen)

    def _config(self) -> PageFile:
        config = PageConfig(
            broker=self._settings.broker_url,
            ws_port=self._settings.ws_port,
            hub=self._settings.hub,
            version=__version__,
            commands=self._settings.may_command,
            user=self._settings.user,
            password=self._settings.password,
        )
        return page_file(msgspec.json.encode(config), "application/json")

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        host = host_of(request.headers.get("Host", ""))
        if host is None or (self._is_local and not is_loopback(host)):
            # Another site's name that was made to point here.
            answer = web.Response(status=421, text="this page is not known by that name\n")
            answer.headers.update(headers([]))
            return answer
        answer = self._file_of(request)
        answer.headers.update(headers(self._brokers(host, request)))
        return answer

    def _file_of(self, request: web.BaseRequest) -> web.Response:
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        file = self._files.get(request.path)
        if file is None:
            return web.Response(status=404, text="no such page\n")
        answer = web.Response(body=file.content, headers={"Content-Type": file.kind})
        answer.etag = file.etag
        known = request.if_none_match or ()
        if any(tag.value in (file.etag, "*") for tag in known):
            answer = web.Response(status=304)
            answer.etag = file.etag
        return answer

    def _brokers(self, host: str, request: web.BaseRequest) -> list[str]:
        """The hub's own, and the one that the page's address names.

        The page itself asks before it talks to that one.
        """
        own = self._settings.broker_url or f"ws://{host}:{self._settings.ws_port}"
        named = request.query.get("broker", "") if request.path in ("/", INDEX) else ""
        return [origin for url in (own, named) if (origin := websocket_origin(url))]
