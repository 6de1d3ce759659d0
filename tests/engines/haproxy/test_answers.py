"""HAProxy's answers, as 2.6 and 3.2 gave them, and what is made of them."""

from __future__ import annotations

import pytest

from proxyctl.engines.haproxy import answers, state

STATE = f"""\
1
# {state._COLUMNS}
2 web 1 up 10.0.0.2 2 0 3 1 290 1 0 2 0 0 0 0 - 80 - 0 0 - - 0
2 web 2 drained 10.0.0.3 0 1 0 1 0 1 0 0 14 0 0 0 - 81 - 0 0 - - 0
2 web 3 removed 10.0.0.4 0 1 1 1 0 1 0 0 2 0 0 0 - 80 - 0 0 - - 0
2 web 4 down 10.0.0.5 0 0 1 1 0 1 0 0 2 0 0 0 - 80 - 0 0 - - 0

"""


def test_rows_tell_the_removed_from_the_drained() -> None:
    """In maintenance with weight 0: drained. With another weight: removed, and waiting to be deleted."""
    rows = {r.name: r for r in answers.read_rows(STATE)}
    assert {n: (r.weight, r.up, r.maintenance, r.leftover) for n, r in rows.items()} == {
        "up": (3, True, False, False),
        "drained": (0, False, True, False),
        "removed": (1, False, True, True),
        "down": (1, False, False, False),
    }
    assert (rows["drained"].address, rows["drained"].port) == ("10.0.0.3", 81)


@pytest.mark.parametrize("text", ["", "Can't find backend.\n\n", "1\n"])
def test_what_is_no_list_is_no_answer(text: str) -> None:
    """An unknown pool is not an empty pool."""
    with pytest.raises(answers.NoAnswer, match="not a list of servers"):
        answers.read_rows(text)


def test_info_has_revision_and_topology() -> None:
    """They come from the description, which users may have replaced by their own."""
    text = "Name: HAProxy\nPid: 8\nStopping: 1\ndescription: proxyctl revision=12ab topology=34cd\n"
    assert answers.read_info(text) == answers.Info(8, "12ab", "34cd", stopping=True)
    assert answers.read_info("Pid: 8\n") == answers.Info(8, "", "", stopping=False)
    used = answers.read_info("Pid: 8\nMaxconn: 100\nCurrConns: 81\n")
    assert (used.connections, used.maxconn) == (81, 100)
    with pytest.raises(answers.NoAnswer):
        answers.read_info("Can't connect to the target CLI!\n")


ALERTS = """\
[NOTICE]   (1) : haproxy version is 2.6.12-1+deb12u4
[ALERT]    (1) : config : parsing [/proxyctl/generations/2/haproxy.cfg:123] : unknown keyword 'x' in 'backend' section
[ALERT]    (12) : Binding [/proxyctl/current/haproxy.cfg:57] for frontend http:80: cannot bind socket (in use)
[ALERT]    (1) : config : Error(s) found in configuration file : /proxyctl/generations/2-ab/haproxy.cfg
[ALERT]    (1) : config : Fatal errors found in configuration.
"""


def test_alerts_become_one_line_without_folders() -> None:
    """File and line stay, the generation's folder and HAProxy's summary of it all go."""
    assert answers.alerts(ALERTS) == (
        "haproxy.cfg:123: unknown keyword 'x' in 'backend' section; "
        "haproxy.cfg:57: for frontend http:80: cannot bind socket (in use)"
    )
    assert answers.alerts("[ALERT]    (1) : config : Fatal errors found in configuration.\n") == (
        "Fatal errors found in configuration."
    )
    assert answers.alerts("[WARNING] (1) : so what\n") == ""
    assert answers.newest("exec failed\n\n") == "exec failed"
    assert answers.alerts("".join(f"[ALERT] (1) : e{i}\n" for i in range(5))) == "e0; e1; e2 (and 2 more)"
