"""The table of keys, and the reference page that is made from it."""

from __future__ import annotations

import dataclasses

import pytest

from proxyctl.core.features import health, retry, table, timeouts
from proxyctl.core.labels.declaration import Claim, Membership
from proxyctl.core.model import HealthCheck, Pool
from scripts.label_reference import TARGET, reference


def test_the_contract_is_complete() -> None:
    """Every key of the public contract is in the table, and nothing beside it."""
    health = {f"health.{k}" for k in ("path", "status", "interval", "timeout", "rise", "fall", "port")}
    timeout = {f"timeout.{k}" for k in ("connect", "server", "queue", "tunnel")}
    routes = {"host", "path", "strip_prefix", "listen"}
    server = {"port", "weight", "backup", "maxconn"}
    pool = {"protocol", "balance", "sticky", "drain", "retry.unsafe"}
    container = {"enable", "pool", "network"}
    assert {k.name for k in table.KEYS} == set().union(container, routes, server, pool, health, timeout)
    assert routes == {k.name for k in table.KEYS if k.level == "route"}


HOLDERS = {"server": Membership, "route": Claim, "pool": Pool}


def test_a_field_is_one_of_the_model() -> None:
    """A key that says which field has its value names one that is there; a setting is the pool's."""
    for key in table.KEYS:
        holder = HealthCheck if key in health.KEYS else HOLDERS.get(key.level, Membership)
        assert not key.field or key.field in {f.name for f in dataclasses.fields(holder)}, key.name
        assert key.field or key.level in {"pool", "container"}, key.name


def test_the_defaults_are_those_of_the_model() -> None:
    """A pool that the model makes by itself is the one that a container without labels makes."""
    for key in table.KEYS:
        if key.level == "pool" and key not in health.KEYS:
            assert key.of(Pool("web")) == key.default, key.name


def test_settings_pass_through() -> None:
    """What the core decides nothing by is stored by its label's name, with a value that JSON has."""
    assert {*timeouts.KEYS, *retry.KEYS} <= set(table.SETTINGS)
    assert all(isinstance(k.default, str | int | bool | None) for k in table.SETTINGS)


def test_the_reference_is_current() -> None:
    """docs/labels.md is what the table says: run scripts/label_reference.py after changing it."""
    assert TARGET.read_text(encoding="utf-8") == reference()


def test_the_reference_has_a_row_for_every_key() -> None:
    """Each key stands in the reference with its default and meaning."""
    page = reference()
    for key in table.KEYS:
        assert f"`{key.name}`" in page
        assert f"{key.default_text} | {key.meaning} |" in page


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("wieght", "did you mean proxyctl.weight?"),
        ("Weight", "did you mean proxyctl.weight?"),
        ("healthcheck.path", "did you mean proxyctl.health.path?"),
        ("strip-prefix", "did you mean proxyctl.strip_prefix?"),
        ("hosts", "did you mean proxyctl.host?"),
        ("qqqqqqq", "docs/labels.md"),
        ("", "docs/labels.md"),
        ("x" * 100_000, "docs/labels.md"),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one(name: str, hint: str) -> None:
    """A typing mistake gets the key that was meant; what resembles nothing gets the reference."""
    value, reason = table.check(name, "1", "proxyctl.")
    assert value is None
    assert reason.startswith("unknown key; ")
    assert hint in reason


def test_blanks_around_a_value_do_not_matter() -> None:
    """A blank that YAML or a shell left around a value is dropped."""
    assert table.check("weight", " 5\t", "proxyctl.") == (5, "")
