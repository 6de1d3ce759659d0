"""What is read out of a rendered haproxy.cfg."""

from __future__ import annotations

from proxyctl.engines.haproxy.lines import ServerLine, default_server, maxconn, ports, servers
from tests.engines.haproxy.worlds import GOLDEN

OPTIONS = ("weight", "3", "maxconn", "4", "disabled", "check", "port", "81")
TEXT = """\
global
    maxconn 4096   # maxconn 5
    maxconnrate 7
frontend a
  bind *:80
  bind :8080,ipv4@10.0.0.1:8081 ssl crt /x
  bind unix@/proxyctl/run/status.sock
  maxconn 9
backend web
server  one 10.0.0.2:80  weight 3 maxconn 4 disabled check port 81 # server two 10.0.0.3:80
  server named web:80
  server socket /run/x.sock
listen both
  bind *:90
  server three 10.0.0.4:80
"""


def test_servers_are_read_with_all_their_options() -> None:
    """A line gives name, address, port and every option; a comment gives nothing."""
    found = servers(TEXT)
    assert found == {
        "web": {
            "one": ServerLine("one", "10.0.0.2", 80, OPTIONS),
            "named": ServerLine("named", "web", 80, ()),
        },
        "both": {"three": ServerLine("three", "10.0.0.4", 80, ())},
    }
    one = found["web"]["one"]
    assert (one.weight, one.maxconn, one.disabled, one.checked, one.check_port) == (3, "4", True, True, "81")
    assert one.fixed == ("maxconn", "check", "port", "81")
    three = found["both"]["three"]
    assert (three.weight, three.maxconn, three.disabled, three.checked, three.check_port) == (
        1,
        None,
        False,
        False,
        None,
    )


def test_ports_and_limits() -> None:
    """Ports are those of TCP listeners, maxconn is the process-wide one."""
    assert ports(TEXT) == {80, 8080, 8081, 90}
    assert maxconn(TEXT) == 4096
    assert maxconn("defaults\n maxconn 5\n") is None


def test_default_server_is_noticed() -> None:
    """The shipped templates have none: it would not count for servers that are added at run time."""
    assert default_server("defaults\n    default-server check\n")
    assert not default_server(GOLDEN.rendered("health", "3.2"))


def test_the_shipped_templates_are_understood() -> None:
    """What is rendered for a server is what is read back."""
    lines = servers(GOLDEN.rendered("sticky", "3.2"))["web"]
    assert {n: (x.address, x.port, x.weight, x.disabled) for n, x in lines.items()} == {
        "web1": ("172.18.0.2", 80, 1, False),
        "web2": ("172.18.0.3", 80, 1, False),
        "web3": ("172.18.0.4", 80, 0, True),
        "web4": ("172.18.0.5", 80, 0, True),
    }
    assert ports(GOLDEN.rendered("hosts", "3.2")) == {80, 8081}
