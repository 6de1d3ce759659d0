"""The table of keys, and the reference page that is made from it."""

from __future__ import annotations

import pytest

from proxyctl.core.features import table
from scripts.label_reference import TARGET, reference


def test_the_contract_is_complete() -> None:
    """Every key of the public contract is in the table, and nothing beside it."""
    health = {f"health.{k}" for k in ("path", "status", "interval", "timeout", "rise", "fall", "port")}
    timeout = {f"timeout.{k}" for k in ("connect", "server", "queue")}
    routes = {"host", "path", "strip_prefix", "listen"}
    server = {"port", "weight", "backup", "maxconn"}
    pool = {"protocol", "balance", "sticky", "drain", "retry.unsafe"}
    container = {"enable", "pool", "network"}
    assert {k.name for k in table.KEYS} == set().union(container, routes, server, pool, health, timeout)
    assert routes == {k.name for k in table.KEYS if k.level == "route"}


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
