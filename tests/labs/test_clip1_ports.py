"""What the checks of clip 1's published ports read in the output of commands."""

from __future__ import annotations

from proxyctl.labs.checks import clip1_ports


def test_a_warning_beside_a_rule_is_no_part_of_it() -> None:
    """A host on which legacy tables were used once has a warning in every answer, before the rules."""
    rule = "-A DOCKER -p tcp -m tcp --dport 40001 -j DNAT --to-destination 172.17.0.2:8080"
    warning = "# Warning: iptables-legacy tables present, use iptables-legacy to see them"
    assert clip1_ports.rules(f"{warning}\n{rule}") == [rule]
    assert clip1_ports.rules(warning) == []
