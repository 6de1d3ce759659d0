"""`proxyctl.providers.docker.answers` and `view`: whatever Docker says becomes a value, or `Unreadable`; never more.

The worlds are recorded answers of a real engine in which each field is absent, null, of another type, huge or hostile:
each of them once, then two and three at a time by chance.
"""

from __future__ import annotations

import ipaddress
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from proxyctl.core.model import Container
from proxyctl.providers.docker import events, view
from proxyctl.providers.docker.answers import Answer, Entry, Event, Inspect, Unreadable, objects, read, tcp_ports
from tests.providers.docker.altered import ABSENT, changed, fields
from tests.providers.docker.world import RECORDED

ODD: tuple[Any, ...] = (
    *(ABSENT, None, True, 0, -1, 10**30, 1.5, float("nan"), float("inf")),
    *(
        "",
        "x",
        "x" * 100_000,
        "\x00",
        "\n",
        "\x1b]0;t\x07",
        "\u202e",
        "\u0661",
        "9091-9092/tcp",
        "99999/tcp",
        "SIGRTMIN+3",
    ),
    *([], [None], [[]], ["/a/b", "/c"], {}, {"": None}, {"a": {"b": {}}}, {"x": 1}, ["x"] * 1000),
)
CASES = 100_000


def listed(json: Any) -> Container:
    """Read an entry of a listing as `source` does."""
    entry = read(Entry, json)
    view.lists_all_ports(entry)
    return view.from_listing(entry)


def inspected(json: Any) -> Container:
    """Read an inspect as `source` does."""
    entry = read(Inspect, json)
    assert isinstance(view.stop_signal(entry), int)
    assert isinstance(view.started(entry), int)
    return view.from_inspect(entry)


def told(json: Any) -> None:
    """Read an event as `source` does."""
    event = read(Event, json)
    assert isinstance(events.subject(event) + events.describe(event), str)


READERS: dict[str, Callable[[Any], Container | None]] = {
    "listing": listed,
    "inspect": inspected,
    "container_event": told,
    "network_event": told,
}


def hold(made: Container | None) -> None:
    """Fail where a value has in it what nothing behind the boundary is prepared for."""
    if made is not None:
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", made.name)
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", made.id)
        assert all(0 < port <= 65_535 for port in made.ports)
        assert all(ipaddress.IPv4Address(a.address) for a in made.attachments if a.address)
        assert {type(text) for pair in made.labels for text in pair} <= {str}


@pytest.mark.parametrize("what", READERS)
def test_whatever_docker_says_becomes_a_value_or_is_unreadable(what: str) -> None:
    """Each field with each odd value, then several of them at once; seeded, a hundred thousand in all."""
    document, chance, readable = RECORDED[what], random.Random(what), 0
    reasons: set[str] = set()
    places = [(), *fields(document)]
    once = [((place, odd),) for place in places for odd in ODD if place or odd is not ABSENT]
    several = (
        tuple((chance.choice(places[1:]), chance.choice(ODD)) for _ in range(chance.choice((2, 3))))
        for _ in range(CASES // len(READERS) - len(once))
    )
    for changes in (*once, *several):
        json = document
        for place, odd in changes:
            json = changed(json, place, odd)
        try:
            made = READERS[what](json)
        except Unreadable as exc:
            reasons.add(str(exc))
        else:
            hold(made)
            readable += 1
    assert [r for r in reasons if not r.isprintable() or len(r) > 300] == []
    assert 0.2 < readable / (CASES // len(READERS)) < 1


@pytest.mark.parametrize("kind", [Entry, Inspect, Event])
def test_a_field_that_cannot_be_read_is_named(kind: type[Answer]) -> None:
    """So that whoever wrote the engine, or the proxy before it, finds it."""
    field = {"Entry": "Labels", "Inspect": "State", "Event": "Actor"}[kind.__name__]
    with pytest.raises(Unreadable, match=f"^'{field}' in Docker's answer cannot be read$"):
        read(kind, {"Id": "a", "State": {}, field: 7})


@pytest.mark.parametrize(
    ("exposed", "ports"),
    [
        (("80/tcp", "8080/TCP", "53/udp"), {80, 8080}),
        (("9091-9093/tcp", "3000"), {9091, 9092, 9093, 3000}),
        (("0/tcp", "70000/tcp", "9-1/tcp", "x/tcp", "80/tcp/tcp", "\u0663/tcp", "-1", ""), set()),
        (("65534-70000/tcp",), {65534, 65535}),
    ],
)
def test_exposed_ports(exposed: tuple[str, ...], ports: set[int]) -> None:
    """A range is its ports, tcp the default; what is no port is none."""
    assert tcp_ports(dict.fromkeys(exposed)) == ports


@pytest.mark.parametrize(
    ("text", "number"),
    [("", 15), ("SIGQUIT", 3), ("quit", 3), ("9", 9), ("SIGRTMIN+3", 37), ("rtmin", 34), ("RTMAX-14", 50), ("x", 15)],
)
def test_stop_signals(text: str, number: int) -> None:
    """By name and number, also real-time signals; docker stop sends SIGTERM where an image says nothing useful."""
    entry = read(Inspect, {"Id": "a", "State": {}, "Config": {"StopSignal": text}})
    assert view.stop_signal(entry) == number


@pytest.mark.parametrize("json", [None, {}, "x", 5])
def test_a_listing_that_is_no_list_is_no_empty_one(json: Any) -> None:
    """An engine that says nonsense has not said that there are no containers."""
    with pytest.raises(ValueError, match="no list"):
        objects(json)
    assert objects([1, {"Id": "a"}, None]) == [{"Id": "a"}]
