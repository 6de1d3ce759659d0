"""One container's labels: who takes part, that every key is read, and that no text gets through untyped."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.features import table
from proxyctl.core.labels.declaration import Claim, Declaration, Membership, Options
from proxyctl.core.labels.origin import ONE_OFF
from proxyctl.core.labels.reading import parse
from proxyctl.core.model import HealthCheck, Pool
from tests.core.labels.read import one
from tests.core.worlds import container, wrong_labels

SAFE = re.compile(r"[A-Za-z0-9._~%+@=:,!/?&*-]*")


@pytest.mark.parametrize(
    ("labels", "by_default", "takes_part"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"enable": "yes"}, False, True),
        ({"enable": "no"}, True, False),
        ({"enable": "no", "weight": "rubbish"}, False, False),
    ],
)
def test_who_takes_part(labels: dict[str, str], by_default: bool, takes_part: bool) -> None:
    """The label `enable` decides; without it `expose_by_default` does; who is out has no problems."""
    read = parse(container("web", labels, enable=False), Options(expose_by_default=by_default))
    assert (read.takes_part, read.problems) == (takes_part, ())
    assert read.asked == ("enable" in labels)
    assert bool(read.memberships) == takes_part


def test_a_bad_enable_is_the_one_error() -> None:
    """An `enable` that says neither yes nor no keeps the container out with an error, not a guess."""
    read = parse(container("web", {"enable": "maybe", "weight": "x"}))
    assert wrong_labels(read.problems) == [("web", "proxyctl.enable")]
    assert read.problems[0].severity == "error"
    assert not read.takes_part


@pytest.mark.parametrize("label", ["weight", "route.x.port", "nonsense"])
def test_labels_without_enable_get_a_warning(label: str) -> None:
    """Who wrote labels but not `enable` is told so, once."""
    (problem,) = parse(container("web", {label: "1"}, enable=False)).problems
    assert (problem.label, problem.severity) == ("proxyctl.enable", "warning")
    assert "no proxyctl.enable=true" in problem.reason


@pytest.mark.parametrize(("says", "one_off"), [("True", True), ("true", True), ("False", False), ("", False)])
def test_a_one_off_takes_part_only_where_that_is_wanted(says: str, one_off: bool) -> None:
    """`docker compose run` gives its container the labels of the service: it is no replica of it, whatever it says."""
    made = container(
        "shop-web-run-1", {"host": "shop.example", "weight": "rubbish" * one_off or "1"}, raw={ONE_OFF: says}
    )
    read = parse(made)
    assert (read.takes_part, read.one_off, read.problems) == (not one_off, one_off, ())
    assert parse(made, Options(one_offs=True)).takes_part


def test_a_gateway_never_takes_part() -> None:
    """The proxy container itself is never a server, not even with expose_by_default."""
    gateway = container("proxyctl-shop", raw={"proxyctl.gateway": "shop"})
    assert parse(gateway, Options(expose_by_default=True)) == Declaration(takes_part=False)


def test_the_defaults() -> None:
    """A container with `enable` alone is a server of its own pool that takes every host and path on port 80."""
    assert one(parse(container("Web_1", ports=(81,)))) == Membership(
        at="proxyctl.",
        pool=Pool("web_1"),
        network="",
        port=81,
        weight=1,
        backup=False,
        maxconn=None,
        claims=(Claim(80, "", "/"),),
        written=frozenset({"proxyctl.enable"}),
    )


EVERYTHING = {
    "pool": "api.v1",
    "port": "8080",
    "network": "Back_end",
    "protocol": "https",
    "host": "b.example, a.example",
    "path": "/api/",
    "strip_prefix": "on",
    "listen": "8443",
    "weight": "0",
    "backup": "true",
    "balance": "leastconn",
    "sticky": "route",
    "maxconn": "50",
    "health.path": "/up?x=1",
    "health.status": "200",
    "health.interval": "500ms",
    "health.timeout": "1s",
    "health.rise": "1",
    "health.fall": "4",
    "health.port": "9000",
    "drain": "1m",
    "timeout.connect": "1s",
    "timeout.server": "5m",
    "timeout.queue": "3s",
    "retry.unsafe": "on",
}


def test_every_key_is_read() -> None:
    """Each key of the contract ends up in the value it is for."""
    read = parse(container("web", EVERYTHING))
    assert {k.name for k in table.KEYS if k not in table.SETTINGS} - {"enable"} <= set(EVERYTHING)
    assert read.network == "Back_end"
    assert one(read) == Membership(
        at="proxyctl.",
        pool=Pool(
            "api.v1",
            protocol="https",
            balance="leastconn",
            sticky="route",
            health=HealthCheck("/up?x=1", "200", 500, 1000, 1, 4, 9000),
            drain_ms=60_000,
            settings=(
                ("timeout.connect", 1_000),
                ("timeout.server", 300_000),
                ("timeout.queue", 3_000),
                ("retry.unsafe", True),
            ),
        ),
        network="Back_end",
        port=8080,
        weight=0,
        backup=True,
        maxconn=50,
        claims=(Claim(8443, "a.example", "/api", True), Claim(8443, "b.example", "/api", True)),
        written=frozenset(f"proxyctl.{k}" for k in [*EVERYTHING, "enable"]),
        named=True,
    )


# ------------------------------------------------------------------ promise 6


def texts_in(value: object) -> list[str]:
    """Return every string that is somewhere in a value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list | tuple | set | frozenset):
        return [t for v in value for t in texts_in(v)]
    if isinstance(value, dict):
        return [t for v in value.values() for t in texts_in(v)]
    return []


NAMES = [k.name for k in table.KEYS]
KEY = st.sampled_from(NAMES) | st.builds("route.{}.{}".format, st.sampled_from("xy"), st.sampled_from(NAMES))
EVIL = st.sampled_from(["\n", ";", '"', "'", "{", "}", "#", "$", "\\", " ", "\x00", "%", "`", "é", "٣", ","])
GOOD = st.sampled_from([*EVERYTHING.values(), "tcp", "*", "true"])
TEXT = st.text(max_size=30) | GOOD | st.builds("{}{}{}".format, GOOD, EVIL, GOOD | st.text(max_size=9))


@given(st.dictionaries(KEY | st.text(max_size=20), TEXT, max_size=6), st.text(max_size=20))
def test_label_text_cannot_become_configuration(labels: dict[str, str], service: str) -> None:
    """Whatever a label holds, it ends as a problem or as a value in characters that configure nothing."""
    labels.setdefault("enable", "true")
    read = parse(container("web", labels, raw={"com.docker.compose.service": service}))
    assert not (read.problems and read.memberships)
    for membership in read.memberships:
        value = dataclasses.asdict(membership)
        del value["written"]
        assert [t for t in texts_in(value) if not SAFE.fullmatch(t)] == []
    for problem in read.problems:
        assert problem.label.isprintable()
        assert problem.reason.isprintable()
