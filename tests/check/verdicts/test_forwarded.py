"""What servers are told about the client."""

from __future__ import annotations

import pytest

from proxyctl.check.verdicts.forwarded import SPOOFED, forwarded

GOOD = {
    "X-Forwarded-For": "172.18.0.1",
    "X-Forwarded-Proto": "http",
    "x-forwarded-host": "shop.example:8080",
    "X-Request-ID": "1",
}


def judged(**changes: str | None) -> tuple[bool, str]:
    """Return how headers are judged that differ from good ones; `_` stands for `-`, and a second request is alike."""
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    headers = {name: value for name, value in {**GOOD, **named}.items() if value is not None}
    verdict = forwarded(headers, headers | {"X-Request-ID": "2"}, scheme="http", host="shop.example:8080")
    return verdict.ok, verdict.detail


def test_good() -> None:
    """Headers that say what is true are right."""
    verdict = forwarded(GOOD, GOOD | {"X-Request-ID": "2"}, scheme="http", host="shop.example:8080")
    assert (verdict.name, verdict.ok, verdict.value) == ("headers", True, 0)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"X_Forwarded_Proto": "https"}, "X-Forwarded-Proto is 'https' and not 'http'; spoofed X-Forwarded-Proto is"),
        ({"x_forwarded_host": None}, "X-Forwarded-Host is None and not 'shop.example:8080'"),
        ({"X_Forwarded_For": "a, b"}, "X-Forwarded-For is 'a, b' and not one address"),
        ({"X_Forwarded_For": None}, "X-Forwarded-For is None and not one address"),
        ({"X_Request_ID": None}, "X-Request-ID is missing"),
    ],
)
def test_wrong(changes: dict[str, str | None], detail: str) -> None:
    """Each header that is wrong or missing is named."""
    ok, said = judged(**changes)
    assert not ok
    assert said.startswith(detail)


@pytest.mark.parametrize("name", SPOOFED)
def test_spoofed(name: str) -> None:
    """A header that the client made up and the server received is caught, each alone."""
    verdict = forwarded(
        GOOD, {**GOOD, "X-Request-ID": "2", name: SPOOFED[name]}, scheme="http", host="shop.example:8080"
    )
    assert not verdict.ok
    assert verdict.value == 1


def test_same_identity() -> None:
    """Two requests with the same identity cannot be told apart in a log."""
    verdict = forwarded(GOOD, GOOD, scheme="http", host="shop.example:8080")
    assert verdict.detail == "X-Request-ID is the same for two requests"
