"""The HTTP API: the TCP listener only reads; control.sock also changes, and its file permissions say for whom.

The TCP listener refuses foreign Host headers, so that no web page in a browser can read it by a name of its own that
points here (DNS rebinding). Next: `operate` carries out changes, `reconcile.reporting` gathers the status.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from proxyctl.api.address import Listening
from proxyctl.api.json import (
    events_to_json,
    health_to_json,
    maintained_to_json,
    overridden_to_json,
    pinned_to_json,
    released_to_json,
    to_json,
)
from proxyctl.api.port import Changes, Overriding, Rollback
from proxyctl.core.status import Event, Status
from proxyctl.errors import ProxyctlError, UsageError
from proxyctl.wording import of_system

T = TypeVar("T")

MAX_WEIGHT = 256  # of the label `weight`

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """Serves one running `watch`."""

    def __init__(
        self,
        *,
        status: Callable[[], Awaitable[Status]],
        events: Callable[[], Iterable[Event]],
        settings: Callable[[], dict[str, Any]],
        overriding: Overriding,
        rollback: Rollback,
    ) -> None:
        """Take the functions that return status, events and settings, and the parts that override and roll back."""
        self._status, self._events, self._settings = status, events, settings
        self._overriding, self._rollback = overriding, rollback

    def reading(self) -> list[web.RouteDef]:
        """Return the routes that change nothing."""
        return [
            web.get("/healthz", self._healthz),
            web.get("/api/v1/status", self._get_status),
            web.get("/api/v1/events", self._get_events),
        ]

    def operating(self) -> list[web.RouteDef]:
        """Return the routes for operators; settings are among them, because they name folders of this machine."""
        return [
            web.get("/api/v1/settings", self._get_settings),
            web.get("/api/v1/servers/{name}/finished", self._get_finished),
            web.post("/api/v1/servers/{name}", self._post_server),
            web.post("/api/v1/pools/{name}", self._post_pool),
            web.post("/api/v1/rollback", self._post_rollback),
        ]

    async def _healthz(self, _: web.Request) -> web.Response:
        status = await self._status()
        return web.json_response(health_to_json(status), status=200 if status.well else 503)

    async def _get_status(self, _: web.Request) -> web.Response:
        return web.json_response(to_json(await self._status()))

    async def _get_events(self, _: web.Request) -> web.Response:
        return web.json_response(events_to_json(self._events()))

    async def _get_settings(self, _: web.Request) -> web.Response:
        return web.json_response(self._settings())

    async def _get_finished(self, request: web.Request) -> web.Response:
        """Answer whether nothing runs any more on a server that drains; the proxy is asked for it each time."""
        return await _carried_out(
            self._overriding.finished(request.match_info["name"]), lambda finished: {"finished": finished}
        )

    async def _post_server(self, request: web.Request) -> web.Response:
        """Take `{"drain": bool}` or `{"weight": int | null}` for a container; answered when the proxy does it."""
        asked = await _body(request)
        if not isinstance(asked, dict) or not asked or asked.keys() - {"drain", "weight"}:
            return _refused(400, 'accepted is {"drain": true or false} or {"weight": 0 to 256 or null}')
        weight = asked.get("weight")
        if not isinstance(asked.get("drain", False), bool) or not (
            weight is None or (isinstance(weight, int) and not isinstance(weight, bool) and 0 <= weight <= MAX_WEIGHT)
        ):
            return _refused(400, "drain is true or false, weight a whole number from 0 to 256 or null")
        changes: Changes = {}
        if "drain" in asked:
            changes["drain"] = asked["drain"]
        if "weight" in asked:
            changes["weight"] = weight
        return await _carried_out(self._overriding.override(request.match_info["name"], **changes), overridden_to_json)

    async def _post_pool(self, request: web.Request) -> web.Response:
        """Take `{"maintenance": bool}` for a pool; answered when the proxy does it."""
        match await _body(request):
            case {"maintenance": bool(on), **rest} if not rest:
                return await _carried_out(
                    self._overriding.maintain(request.match_info["name"], on=on), maintained_to_json
                )
        return _refused(400, 'accepted is {"maintenance": true or false}')

    async def _post_rollback(self, request: web.Request) -> web.Response:
        """Take `{"generation": int | null}` or `{"release": true}`; answered when the proxy does it."""
        match await _body(request):
            case {"release": True, **rest} if not rest:
                return await _carried_out(self._rollback.release(), released_to_json)
            case {"generation": None | int() as number, **rest} if not rest:
                return await _carried_out(self._rollback.pin(number), pinned_to_json)
        return _refused(400, 'accepted is {"generation": number or null} or {"release": true}')


async def _body(request: web.Request) -> Any:
    """Return the JSON of a request; None when it is none."""
    try:
        return await request.json()
    except json.JSONDecodeError:
        return None


async def _carried_out(wish: Awaitable[T], to_json: Callable[[T], dict[str, Any]]) -> web.Response:
    try:
        return web.json_response(to_json(await wish))
    except ProxyctlError as exc:
        return _refused(409, str(exc))
    except OSError as exc:
        return _refused(500, f"the state folder cannot be written, nothing was done: {exc}")


def _refused(code: int, why: str) -> web.Response:
    return web.json_response({"error": why}, status=code)


def _only_hosts(allowed: set[str]) -> Any:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.host.rpartition(":")[0].strip("[]") not in allowed and request.host not in allowed:
            return _refused(403, f"Host {request.host} is not served here")
        return await handler(request)

    return check


async def serve(api: Api, *, control: Path, tcp: Listening) -> list[web.AppRunner]:
    """Listen on control.sock and on the sockets that were taken for TCP, if any; raise UsageError."""
    private = web.Application()
    private.add_routes([*api.reading(), *api.operating()])
    runners = [web.AppRunner(private, access_log=None)]
    await runners[0].setup()
    try:
        control.unlink(missing_ok=True)  # noqa: ASYNC240 - a moment, at the start
        await web.UnixSite(runners[0], str(control)).start()
        control.chmod(0o660)  # noqa: ASYNC240 - same
    except OSError as exc:
        raise UsageError(f"{control}: {of_system(exc)}; give another folder with --state") from exc
    if tcp.sockets:
        public = web.Application(middlewares=[_only_hosts({"127.0.0.1", "localhost", "::1", tcp.host})])
        public.add_routes(api.reading())
        runners.append(web.AppRunner(public, access_log=None))
        await runners[1].setup()
        for each in tcp.sockets:
            await web.SockSite(runners[1], each).start()
    return runners
