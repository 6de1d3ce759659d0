"""Shares, weights and figures as people write them."""

from __future__ import annotations

import pytest

from proxyctl.check.verdicts.verdict import number, parse_weights, shares
from proxyctl.errors import UsageError


def test_shares() -> None:
    """Weights become shares; nothing at all becomes zeros."""
    assert shares({"b": 1, "a": 3}) == {"a": 0.75, "b": 0.25}
    assert shares({"a": 0}) == {"a": 0.0}


@pytest.mark.parametrize(
    ("text", "weights"), [("web1=3,web2=1", {"web1": 3, "web2": 1}), (" a=b = 0.5 ", {"a=b": 0.5})]
)
def test_parse_weights(text: str, weights: dict[str, float]) -> None:
    """Weights are read per server."""
    assert parse_weights(text) == weights


@pytest.mark.parametrize("text", ["", "web1", "web1=", "web1=x", "=1", "a=1,,b=1", "a=-1", "a=nan", "a=inf", "a=0,b=0"])
def test_refused_weights(text: str) -> None:
    """What is not a list of weights, or gives nothing to anyone, is refused."""
    with pytest.raises(UsageError, match="the weights"):
        parse_weights(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1e-4, "1e-4"),
        (3.3e-67, "3.3e-67"),
        (0.05, "0.05"),
        (12.345, "12.35"),
        (1234.5, "1234"),
        (5e6, "5000000"),
    ],
)
def test_number(value: float, text: str) -> None:
    """Figures are written as people write them."""
    assert number(value) == text
