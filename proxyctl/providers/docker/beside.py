"""Why no second container can stand beside one that is to be replaced, or take its place. Pure.

Called by `operate.rollout` and by scenarios, before anything is made.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxyctl.providers.docker.successor import Old, Others

_SHORT_ID = 12  # characters


def refusal(old: Iterable[Old], others: Others) -> str:
    """Return why no second container can stand beside one of these, or take its place; empty when all can."""
    for each in old:
        mode, _, host = (each.inspect["HostConfig"].get("NetworkMode") or "").partition(":")
        if mode in {"container", "host"}:
            where = f"the network of container {host[:_SHORT_ID]}" if host else "the network of the host"
            return f"{each.name} lives in {where}, where two cannot listen on one port: replace it by hand"
        lodger = next((others.lodgers[key] for key in (each.id, each.name) if key in others.lodgers), None)
        if lodger:
            return (
                f"{lodger} lives in the network of {each.name}, and would lose it: give {lodger} a network of its own, "
                "or replace both by hand"
            )
        bindings = each.inspect["HostConfig"].get("PortBindings") or {}
        wanted = {str(b.get("HostPort") or "0") for bs in bindings.values() for b in bs or ()} - {"0"}
        if ports := sorted(p for p in wanted if "-" not in p):  # of a range, each container gets a free one
            return (
                f"{each.name} publishes host port {', '.join(ports)}, which two containers cannot share: publish it at "
                "the gateway instead (watch --publish), and make the container without"
            )
    return ""
