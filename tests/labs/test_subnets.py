"""Which subnets are Docker's, and which are free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.errors import ProxyctlError
from proxyctl.labs.subnets import DEFAULT_POOLS, Subnet, free


def test_the_default_pools_are_those_of_the_course() -> None:
    """172.17 to 172.31 of 65,536 addresses, then 192.168.0 to 192.168.240 of 4,096; the notes' H is no number."""
    assert [str(pool) for pool in DEFAULT_POOLS[:2]] == ["172.17.0.0/16", "172.18.0.0/16"]
    assert [str(pool) for pool in DEFAULT_POOLS[14:17]] == ["172.31.0.0/16", "192.168.0.0/20", "192.168.16.0/20"]
    assert str(DEFAULT_POOLS[-1]) == "192.168.240.0/20"
    assert {pool.num_addresses for pool in DEFAULT_POOLS} == {65_536, 4_096}


@given(st.lists(st.tuples(st.integers(64, 127), st.integers(0, 255), st.integers(14, 28)), max_size=20))
def test_a_free_subnet_overlaps_none_in_use(used: list[tuple[int, int, int]]) -> None:
    """A /24, whatever is in use."""
    taken = [Subnet(f"10.{second}.{third}.0/{length}", strict=False) for second, third, length in used]
    found = free(taken)
    assert found.prefixlen == 24
    assert found.subnet_of(Subnet("10.64.0.0/10"))
    assert not any(found.overlaps(subnet) for subnet in taken)


def test_where_nothing_is_free_the_reason_says_so() -> None:
    """A VPN may route all of 10.0.0.0/8."""
    with pytest.raises(ProxyctlError, match=r"no subnet of 10\.64\.0\.0/10 is free"):
        free([Subnet("10.0.0.0/8")])
