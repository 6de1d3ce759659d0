"""HAProxy's statistics, as its page gives them."""

from __future__ import annotations

from pathlib import Path

from proxyctl.core.model import ServerCount
from proxyctl.engines.haproxy import stats

CSV = """\
# pxname,svname,stot,status,last_chk,type
http:80,FRONTEND,9,OPEN,,0
web,b,3,DOWN 1/2,"Down, ""for"" now",2
web,a,5,UP 1/3,,2
web,c,,no check,,2
web,d,7,DRAIN,,2
web,e,7,MAINT,,2
web,BACKEND,9,UP,,1

"""


def test_statistics_survive_commas_and_quotes() -> None:
    """A check's message is a quoted field; no later column moves because of it."""
    assert stats.read(CSV) == (
        ServerCount("web", "a", 5, up=True),
        ServerCount("web", "b", 3, up=False),
        ServerCount("web", "c", 0, up=None),
        ServerCount("web", "d", 7, up=True),
        ServerCount("web", "e", 7, up=False),
    )


def test_no_statistics_where_nobody_answers(tmp_path: Path) -> None:
    """A proxy that is down has no counts."""
    assert stats.counts(tmp_path / "none.sock") == ()
