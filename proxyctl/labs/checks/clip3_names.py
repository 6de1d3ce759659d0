"""Checks of clip 3's names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from proxyctl.labs.at import At
from proxyctl.labs.checks.clip3 import SERVERS, not_known, one
from proxyctl.labs.checks.facts import address
from proxyctl.labs.texts import Said, Text


def looked_up(out: str) -> list[str]:
    """Return the addresses out of busybox's nslookup."""
    return re.findall(r"^Name:.*\nAddress: ([\d.]+)$", out, re.MULTILINE)


def find_id(at: At) -> None:
    """Find the short id that `docker ps` shows."""
    at.found(**{"short-id": at.container("was1")["Id"][:12]})


def names(at: At) -> None:
    """Expect one address for the names that are the container's own, and all three for the alias."""
    *own, alias = (looked_up(out) for out in at.out)
    for kind, found in zip(("--name", "id", "-h", "NAME.NETWORK"), own, strict=True):
        at.equal(kind, found, [address(at, "was1", at["net"])])
    at.equal("was", sorted(alias), sorted(address(at, key, at["net"]) for key in SERVERS))
    rows: tuple[tuple[Said, ...], ...] = (
        ("--name", at["was1"]),
        (Text(ko="짧은 ID", en="short id"), at["short-id"]),
        ("-h", "first-host"),
        (Text(ko="이름.네트워크", en="name.network"), f"{at['was1']}.{at['net']}"),
        ("--network-alias", "was"),
    )
    at.table(*((*row, _few(found)) for row, found in zip(rows, (*own, alias), strict=True)))


def _few(addresses: Sequence[str]) -> Said:
    """Return one address, or how many there are."""
    count = len(addresses)
    return addresses[0] if count == 1 else Text(ko=f"주소 {count}개", en=f"{count} addresses")


def scope(at: At) -> None:
    """Expect each network's own names, a choice by the qualified name, and one network's answer for a shared alias."""
    unknown, theirs, _, there, here_alias, there_alias, both, _ = at.out
    here = {address(at, key, at["net"]) for key in SERVERS}
    elsewhere = {address(at, "other", at["other-net"])}
    not_known(at, one(unknown))
    at.equal(f"was, {at['other-net']}", set(one(theirs).addresses), elsewhere)
    at.equal(at["other"], set(one(there).addresses), elsewhere)
    at.equal(f"was.{at['net']}", set(one(here_alias).addresses), here)
    at.equal(f"was.{at['other-net']}", set(one(there_alias).addresses), elsewhere)
    at.expect(
        set(one(both).addresses) in (here, elsewhere),
        Text(ko=f"섞인 답입니다: {one(both)}", en=f"a mixed answer: {one(both)}"),
    )
    at.table(
        (at["other"], at["was1"], str(one(unknown))),
        (at["other"], "was", str(one(theirs))),
        (Text(ko="두 네트워크의 client", en="client on both"), at["other"], str(one(there))),
        ("", f"was.{at['net']}", _few(one(here_alias).addresses)),
        ("", f"was.{at['other-net']}", str(one(there_alias))),
        ("", "was", _few(one(both).addresses)),
    )


def find_addresses(at: At) -> None:
    """Find the servers' addresses."""
    at.found(**{f"{key}-ip": address(at, key, at["net"]) for key in SERVERS})


def reverse(at: At) -> None:
    """Expect CONTAINER.NETWORK on the network, and not elsewhere."""
    *here, elsewhere = at.out
    rows: list[tuple[Said, ...]] = []
    for key, out in zip(("was1", "was2"), here, strict=True):
        found = re.findall(r"name = (\S+)", out)
        at.equal(at[f"{key}-ip"], found, [f"{at[key]}.{at['net']}"])
        rows.append((at["net"], at[f"{key}-ip"], *found))
    at.expect(at["was1"] not in elsewhere, Text(ko=f"거기서도 압니다: {elsewhere}", en=f"known there: {elsewhere}"))
    at.table(*rows, (at["other-net"], at["was1-ip"], Text(ko="모름", en="not known")))


def compose(at: At) -> None:
    """Expect the service's name to give both replicas, and each its own name."""
    *_, alias, own, inspected = at.out
    found = dict(re.findall(r"^(\S+) ([\d.]+)/", inspected, re.MULTILINE))
    at.equal("was", sorted(looked_up(alias)), sorted(found.values()))
    at.equal(Text(ko="복제본", en="replicas"), len(found), 2)
    at.equal(f"{at['shop']}-was-2", looked_up(own), [found[f"{at['shop']}-was-2"]])
    at.table(("was", *sorted(looked_up(alias))), *found.items())
