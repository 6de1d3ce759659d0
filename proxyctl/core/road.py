"""The question that only its own gateway can answer, by which `watch` asks a published port; pure.

Question and answer come from the secret of `check` by a hash: whoever else listens on the port learns neither the
secret nor the answer.
"""

from __future__ import annotations

import hashlib

HOST = "road.proxyctl.invalid"
"""The Host of the question. No site can have it (RFC 6761), so nginx takes the port's default server."""


def question(secret: str) -> str:
    """Return the value of `layout.ROAD_HEADER` that asks."""
    return _derived("question", secret)


def answer(secret: str) -> str:
    """Return the body of the gateway's answer."""
    return _derived("answer", secret)


def _derived(purpose: str, secret: str) -> str:
    return hashlib.sha256(f"proxyctl road {purpose} {secret}".encode()).hexdigest()[:32]
