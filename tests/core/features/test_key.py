"""What a key says about itself."""

from __future__ import annotations

import pytest

from proxyctl.core.features import values
from proxyctl.core.features.key import HttpOnly, Key
from proxyctl.core.model import Pool

TUNNEL = Key("timeout.tunnel", values.duration(), "pool", default=3_600_000, meaning="an upgraded connection")
WHOLLY: HttpOnly[str] = HttpOnly()
DRAIN = Key("drain", values.duration(), "pool", default=30_000, meaning="", field="drain_ms")


def test_a_setting_is_read_by_its_name() -> None:
    """A key without a field finds its value among the settings, and else has its default."""
    assert TUNNEL.of(Pool("web", settings=(("other", 1), ("timeout.tunnel", 5)))) == 5
    assert TUNNEL.of(Pool("web", settings=(("other", 1),))) == 3_600_000


def test_a_field_is_read_where_the_model_keeps_it() -> None:
    """What the core decides on is a field, and settings of the same name are none of it."""
    assert DRAIN.of(Pool("web", drain_ms=7, settings=(("drain", 8),))) == 7


@pytest.mark.parametrize(
    ("ms", "text"),
    [(250, "`250ms`"), (60_000, "`60s`"), (1_500, "`1500ms`"), (3_600_000, "`1h`"), (86_400_000, "`24h`")],
)
def test_a_default_is_shown_as_a_person_would_write_it(ms: int, text: str) -> None:
    """The longest unit that it is a whole number of; a minute is 60s, as the proxies' manuals have it."""
    assert Key("x", values.duration(), "pool", default=ms, meaning="").default_text == text


def test_a_default_can_be_told_in_words() -> None:
    """Words stand in place of a value that says nothing by itself."""
    key: Key[int | None] = Key("x", values.port, "pool", default=None, meaning="", default_words="the server's port")
    assert key.default_text == "the server's port"


@pytest.mark.parametrize(
    ("http", "value", "refused"),
    [
        (WHOLLY, "uri", True),
        (WHOLLY, None, True),
        (HttpOnly(values=("uri",)), "uri", True),
        (HttpOnly(values=("uri",)), "source", False),
        (HttpOnly(values=("uri",)), None, False),
    ],
)
def test_tcp_refuses_a_key_or_some_of_its_values(http: HttpOnly[str], value: str | None, refused: bool) -> None:
    """A key that is for HTTP as a whole is refused even where its value could not be read."""
    assert http.refuses(value) is refused
