"""The labels of the active check."""

from __future__ import annotations

import pytest

from proxyctl.core.features import health
from proxyctl.core.features.key import Key
from proxyctl.core.model import HealthCheck
from tests.core.features.reading import further, member, on_tcp, reasons

READ = [
    ({}, None),
    ({"health.path": "/up?x=1"}, HealthCheck("/up?x=1")),
    ({"health.status": "200, 204"}, HealthCheck("/healthz", "200,204")),
    ({"health.interval": "50ms"}, HealthCheck("/healthz", interval_ms=50)),
    ({"health.timeout": "1s"}, HealthCheck("/healthz", timeout_ms=1_000)),
    ({"health.rise": "5"}, HealthCheck("/healthz", rise=5)),
    ({"health.fall": "5"}, HealthCheck("/healthz", fall=5)),
    ({"health.port": "9000"}, HealthCheck("/healthz", port=9000)),
]


@pytest.mark.parametrize(("labels", "check"), READ)
def test_any_health_key_turns_the_check_on(labels: dict[str, str], check: HealthCheck | None) -> None:
    """One `health.*` key is enough for a check, with the contract's defaults for the others; none is no check."""
    assert member(labels).pool.health == check
    assert member({}, labels).pool.health == check


def test_the_defaults_are_those_of_the_model() -> None:
    """A check that the model makes by itself is the one that the labels make."""
    assert [key.of(HealthCheck("/healthz")) for key in health.KEYS] == [key.default for key in health.KEYS]


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("health.path", "healthz"),
        ("health.status", "600"),
        ("health.interval", "49ms"),
        ("health.timeout", "0s"),
        ("health.rise", "0"),
        ("health.fall", "101"),
        ("health.port", "0"),
    ],
)
def test_refused(label: str, text: str) -> None:
    """A check that cannot be made is a mistake, not another check."""
    assert list(reasons({label: text})) == [label]


def test_a_further_pool_has_its_own() -> None:
    """A check of one port says nothing about another port."""
    assert further({"health.path": "/up"}).pool.health is None


TEXT = {"health.path": "/", "health.status": "200", "health.interval": "1s", "health.timeout": "1s"}
TCP = {"protocol": "tcp", "listen": "1"}


@pytest.mark.parametrize("key", [health.PATH, health.STATUS], ids=lambda k: k.name)
def test_tcp_has_no_path(key: Key[object]) -> None:
    """What is asked over HTTP is refused on tcp, and one of `[defaults]` makes no check there."""
    assert on_tcp({key.name: TEXT[key.name]}) == {key.name: "is for HTTP, this port is protocol=tcp"}
    assert member(TCP, {key.name: TEXT[key.name]}).pool.health is None


@pytest.mark.parametrize("key", [k for k in health.KEYS if not k.http], ids=lambda k: k.name)
def test_tcp_is_checked_by_a_connect(key: Key[object]) -> None:
    """Any of the other keys turns it on, also one of `[defaults]`; a default path does not count."""
    text = TEXT.get(key.name, "9")
    for made in (member({**TCP, key.name: text}), member(TCP, {key.name: text, "health.path": "/up"})):
        assert made.pool.health is not None
        assert (made.pool.health.path, key.of(made.pool.health)) == ("", 1_000 if text == "1s" else 9)
