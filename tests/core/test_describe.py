"""Plans in sentences."""

from __future__ import annotations

import dataclasses

import pytest

from proxyctl.core.describe import describe
from proxyctl.core.model import Desired, Listener, Pool, Route, Server
from proxyctl.core.plan import diff

WEB1 = Server("web1", "c1", "172.18.0.2", 80)
WEB2 = Server("web2", "c2", "172.18.0.3", 80)


def world(*servers: Server) -> Desired:
    """Return one pool, without a route."""
    return Desired(pools=(Pool("web", servers=servers),))


DRAINING = dataclasses.replace(WEB1, draining=True)
CLOSED = Desired(pools=(Pool("web", maintenance=True),))
HTTP = Listener(80, routes=(Route("", "/", "web"), Route("shop.example", "/api", "web")))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (world(), world(WEB1), [("join", "web1 joined pool web at 172.18.0.2:80")]),
        (world(WEB1), world(), [("leave", "web1 left pool web")]),
        (world(WEB1), world(DRAINING), [("drain", "web1 drains in pool web")]),
        (world(DRAINING), world(WEB1), [("join", "web1 is back in pool web at 172.18.0.2:80")]),
        (
            world(WEB1),
            world(dataclasses.replace(WEB1, weight=3, address="172.18.0.9")),
            [("change", "web1 in pool web: address 172.18.0.2 → 172.18.0.9, weight 1 → 3")],
        ),
        (
            world(WEB1),
            world(dataclasses.replace(WEB1, container="c9")),
            [("change", "web1 in pool web: a new container of the same name")],
        ),
        (Desired(), world(WEB1, WEB2), [("pool", "pool web added (web1, web2)")]),
        (Desired(), world(), [("pool", "pool web added (no server yet)")]),
        (world(), Desired(), [("pool", "pool web removed")]),
        (world(), Desired(pools=(Pool("web", balance="random"),)), [("pool", "pool web: settings changed")]),
        (world(), CLOSED, [("pool", "pool web is now in maintenance")]),
        (CLOSED, world(), [("pool", "pool web is no longer in maintenance")]),
        (Desired(), Desired((Listener(80),)), [("route", "port 80 opened")]),
        (Desired(), Desired((HTTP,)), [("route", "port 80 opened for */ → web, shop.example/api → web")]),
        (Desired((HTTP,)), Desired(), [("route", "port 80 closed")]),
        (Desired((HTTP,)), Desired((Listener(80),)), [("route", "port 80 now routes nothing")]),
        (world(WEB1), world(WEB1), []),
    ],
)
def test_each_change_is_one_sentence(before: Desired, after: Desired, told: list[tuple[str, str]]) -> None:
    """The kind and the words for every kind of change."""
    assert describe(diff(before, after)) == told
