"""What a check is to do, as one value: it goes to worker processes, and into the report as its options."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from proxyctl.check.load.request import Pace, Request
from proxyctl.check.load.shots import MOST_KEYS, KeyBy
from proxyctl.core.layout import CHECK_HEADER
from proxyctl.errors import UsageError

MAX_WORKERS = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """Requests (one for each URL, with the same options), the share of each, the pace, the keys, the worker processes.

    `token` makes proxyctl's gateway name the servers. Raise UsageError for what cannot be meant.
    """

    requests: tuple[Request, ...]
    pace: Pace
    shares: tuple[float, ...] = ()
    key_by: KeyBy | None = None
    keys: int = 0
    workers: int = 1
    token: str | None = None

    def __post_init__(self) -> None:
        urls = len(self.requests)
        if self.shares and len(self.shares) != urls:
            raise UsageError(f"--share: there are {urls} URLs and {len(self.shares)} shares; each URL has one")
        if not all(0 < share < math.inf for share in self.shares):
            raise UsageError("--share: a share is a number above 0")
        if not 1 <= self.workers <= MAX_WORKERS:
            raise UsageError(f"{self.workers} workers are not between 1 and {MAX_WORKERS}")
        if self.key_by is None:
            return
        if not self.keys:
            raise UsageError(f"--key-by {self.key_by} needs --keys N, how many of them")
        if not 1 <= self.keys <= MOST_KEYS:
            raise UsageError(f"{self.keys} keys are not between 1 and {MOST_KEYS}")
        if self.key_by.kind == "source" and not all(_on_loopback(r.url) for r in self.requests):
            raise UsageError("keys by source are addresses 127.0.x.y: the URL's host must be 127.0.0.1 too")

    @property
    def sent(self) -> tuple[Request, ...]:
        """The requests as they go out; the secret token goes only where the gateway's own header names the server."""
        if self.token is None:
            return self.requests
        header = (CHECK_HEADER, self.token)
        return tuple(
            dataclasses.replace(r, headers=(*r.headers, header)) if r.server_from.gateway else r for r in self.requests
        )

    def split(self) -> tuple[Plan, ...]:
        """Return the part of each worker; `workers.load_of` divides the keys among them."""
        most = min(self.workers, self.keys) if self.key_by else self.workers
        return tuple(dataclasses.replace(self, pace=pace) for pace in self.pace.split(most))

    def options(self) -> dict[str, Any]:
        """Return the options as a report lists them; headers by name only, because a value may be a secret."""
        request, pace = self.requests[0], self.pace
        return {
            "urls": [r.shown for r in self.requests],
            "shares": list(self.shares) or [1.0] * len(self.requests),
            "requests": pace.requests,
            "duration": pace.duration,
            "concurrency": pace.concurrency,
            "rate": pace.rate,
            "workers": self.workers,
            "method": request.method,
            "headers": sorted({name for name, _ in request.headers}),
            "body_bytes": len(request.body),
            "timeout": request.timeout,
            "keepalive": request.keepalive,
            "http_version": request.http_version,
            "verify_tls": request.verify_tls,
            "sni": request.sni or None,
            "server_from": str(request.server_from),
            "keys": self.keys if self.key_by else None,
            "key_by": str(self.key_by) if self.key_by else None,
        }


def _on_loopback(url: str) -> bool:
    return "://127." in url or "@127." in url
