"""Runs to compare, made by chance from a seed, as a closed loop makes them: what is slow also lowers the rate."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from proxyctl.check.verdicts.runs import Block, Run, Times

BLOCKS = 48


def run(
    rng: random.Random,
    requests: int = 2000,
    *,
    slower: float = 1.0,
    drift: float = 0.0,
    stalls: float = 0.0,
    errors: float = 0.0,
    choose: Callable[[int], str] | None = None,
) -> Run:
    """Return a run with log-normal latency around 2 ms.

    `drift` is the deviation of a factor that slowly goes up and down (an autoregressive process whose memory is
    20 requests). `stalls` are hiccups of 50 ms for 30 requests in a row, so many on average. `errors` is the share
    that fails. `choose` gives the server of a request; by default one of three by chance.
    """
    now = factor = 0.0
    stalled = 0
    ended: list[tuple[float, int | None, str]] = []
    for i in range(requests):
        if drift:
            factor = 0.95 * factor + math.sqrt(1 - 0.95**2) * rng.gauss(0, 1)
        latency = 2000 * math.exp(0.5 * rng.gauss(0, 1) + drift * factor) * slower
        if stalls and rng.random() < stalls / requests:
            stalled = 30
        if stalled:
            stalled -= 1
            latency += 50_000
        now += latency
        server = choose(i) if choose else f"web{rng.randrange(3)}"
        ended.append((now, None if errors and rng.random() < errors else round(latency), server))
    return _cut(ended, now)


def _cut(ended: list[tuple[float, int | None, str]], length: float) -> Run:
    pieces: list[list[tuple[float, int | None, str]]] = [[] for _ in range(BLOCKS)]
    for one in ended:
        pieces[min(BLOCKS - 1, int(one[0] / length * BLOCKS))].append(one)
    return Run(tuple(_block(piece, length) for piece in pieces), _times(ended, 11))


def _block(piece: list[tuple[float, int | None, str]], length: float) -> Block:
    servers: dict[str, int] = {}
    for _, _, server in piece:
        servers[server] = servers.get(server, 0) + 1
    failed = sum(latency is None for _, latency, _ in piece)
    return Block(length / 1e6 / BLOCKS, len(piece), failed, servers, _times(piece, 6))


def _times(ended: list[tuple[float, int | None, str]], bits: int) -> Times:
    counts: dict[int, int] = {}
    for _, latency, _ in ended:
        if latency is not None:
            surplus = max(0, latency.bit_length() - bits)
            key = latency >> surplus << surplus
            counts[key] = counts.get(key, 0) + 1
    return Times.of(counts)
