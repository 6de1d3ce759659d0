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


CHECKED = """\
# pxname,svname,stot,status,check_status,check_code,last_chk,check_desc,type
web,a,1,DOWN,L7STS,503,"Service, ""Unavailable\u2028 and\x0bmore",Layer7 wrong status,2
web,b,1,DOWN,* L4CON,,Connection refused,Layer4 connection problem,2
web,c,1,DOWN,INI,,,Initializing,2
web,d,1,UP 1/3,L7STS,500,no,Layer7 wrong status,2
web,e,1,DOWN,L7RSP,,\x1b]0;t\x07,Layer7 invalid response,2
"""


def test_a_failed_check_says_what_it_found() -> None:
    """In HAProxy's words, then in the server's, which are hostile; nothing before the first check has ended."""
    assert {c.server: c.reason for c in stats.read(CHECKED)} == {
        "a": 'Layer7 wrong status (L7STS 503): Service, "Unavailable\\u2028 and\\x0bmore',
        "b": "Layer4 connection problem (L4CON): Connection refused",
        "c": "",
        "d": "",
        "e": "Layer7 invalid response (L7RSP): \\x1b]0;t\\x07",
    }


BUSY = """\
# pxname,svname,qcur,scur,stot,status,type
web,a,,2,9,DRAIN,2
web,b,3,0,9,UP,2
web,c,0,0,9,UP,2
"""


def test_what_runs_or_waits_is_busy() -> None:
    """Requests that a server has, and those in its own queue; an empty column is none."""
    assert {c.server: c.busy for c in stats.read(BUSY)} == {"a": 2, "b": 3, "c": 0}


def test_no_statistics_where_nobody_answers(tmp_path: Path) -> None:
    """A proxy that is down has no counts."""
    assert stats.counts(tmp_path / "none.sock") == ()
