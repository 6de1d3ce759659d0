"""`[defaults]` of proxyctl.toml."""

from __future__ import annotations

import pytest

from proxyctl.core.labels.declaration import Options
from proxyctl.core.labels.defaults import check_defaults
from proxyctl.core.labels.reading import parse
from proxyctl.core.model import HealthCheck
from tests.core.labels.read import one
from tests.core.worlds import container


def test_defaults_count_where_a_label_is_missing() -> None:
    """A default of proxyctl.toml takes the place of the built-in one, and a label wins over it."""
    options = Options(defaults=(("sticky", "c"), ("weight", "9"), ("health.rise", "5"), ("port", "81")))
    read = one(parse(container("web", ports=()), options))
    assert (read.pool.sticky, read.weight, read.pool.health, read.port) == ("c", 9, HealthCheck("/healthz", rise=5), 81)
    read = one(parse(container("web", {"sticky": "off", "weight": "1"}), options))
    assert (read.pool.sticky, read.weight) == (None, 1)


def test_wrong_defaults_are_named() -> None:
    """Settings can ask what is wrong with `[defaults]` before any container meets them."""
    wrong = {"weight": "300", "wieght": "1", "pool": "p", "retry.unsafe": "maybe", "balance": "uri"}
    lines = check_defaults(wrong)
    assert [line.partition(":")[0] for line in lines] == ["pool", "retry.unsafe", "weight", "wieght"]
    assert lines[2] == 'weight: "300" is not accepted: a whole number from 0 to 256'
    with pytest.raises(ValueError, match="wieght: unknown key; did you mean weight"):
        parse(container("web"), Options(defaults=tuple(wrong.items())))
