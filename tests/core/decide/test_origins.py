"""`proxyctl.core.decide.origins`: what only happens to be called alike shares no pool."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from proxyctl.core.labels.origin import PROJECT, SERVICE
from proxyctl.core.layout import BASE_LABEL
from proxyctl.core.model import Container, Desired, Pool, Server
from tests.core.worlds import container, decide, routes, servers, world, wrong_labels


def of_compose(project: str, service: str = "web", number: int = 1, *, created: int = 100, **labels: str) -> Container:
    """Return a container of a compose service."""
    raw = {PROJECT: project, SERVICE: service}
    return container(f"{project}-{service}-{number}", labels, raw=raw, created=created)


def test_equal_services_of_two_projects_are_two_sites() -> None:
    """Each host is served by its own project's containers."""
    shop, blog = (of_compose(p, host=f"{p}.example") for p in ("shop", "blog"))
    outcome = decide(world(shop, blog))
    assert servers(outcome) == {"blog-web": ["blog-web-1"], "shop-web": ["shop-web-1"]}
    assert routes(outcome) == ["80 blog.example/ blog-web", "80 shop.example/ shop-web"]
    assert outcome.problems == ()


def test_a_pool_that_both_name_is_shared_by_two_projects() -> None:
    """It is their wish."""
    outcome = decide(world(of_compose("shop", pool="front"), of_compose("blog", pool="front")))
    assert servers(outcome) == {"front": ["blog-web-1", "shop-web-1"]}


FURTHER = container("a", {"host": "a.example", "route.b.host": "b.example", "route.b.port": "81"})
ALIKE: list[tuple[str, Container, Container]] = [
    ("a-b-c", of_compose("a", "b-c"), of_compose("a-b", "c", created=200)),
    ("shop-web", of_compose("shop"), of_compose("blog", created=200, pool="shop-web")),
    ("shop-web", of_compose("blog", pool="shop-web"), of_compose("shop", created=200)),
    ("shop-web", of_compose("shop"), container("shop-web", created=200)),
    ("web", container("Web"), container("web", created=200)),
    ("a.b", FURTHER, container("a.b", {"host": "c.example"}, created=200)),
]


@pytest.mark.parametrize(("pool", "first", "second"), ALIKE)
def test_who_is_called_alike_by_chance_is_kept_apart(pool: str, first: Container, second: Container) -> None:
    """The older one has the pool, the newer one a problem that says what to change; in any order of the world."""
    for order in itertools.permutations((first, second)):
        outcome = decide(world(*order))
        assert servers(outcome)[pool] == [first.name]
        assert wrong_labels(outcome.problems) == [(second.name, "proxyctl.pool")]
        assert f"pool {pool} is that of" in outcome.problems[0].reason


def test_who_serves_keeps_the_pool() -> None:
    """Also against a container that is older."""
    old, new = container("Web"), container("web", created=200)
    had = Desired((), (Pool("web", servers=(Server("web", new.id, "10.0.0.1", 80),)),))
    assert servers(decide(world(old, new), previous=had)) == {"web": ["web"]}


@pytest.mark.parametrize("ended", [False, True])
def test_an_ended_container_keeps_nothing_and_has_no_problem(ended: bool) -> None:
    """Whose pool it would be does not matter then."""
    made: dict[str, Any] = {"state": "exited" if ended else "running"}
    outcome = decide(world(container("Web", **made), container("web", created=200)))
    assert servers(outcome) == {"web": ["web" if ended else "Web"]}
    assert len(outcome.problems) == (0 if ended else 1)


def test_a_plain_container_may_name_a_service_s_pool() -> None:
    """A further replica that somebody starts by hand, as a rollout does for a pool that no label names."""
    by_hand = container("extra", {"pool": "shop-web"})
    assert servers(decide(world(of_compose("shop"), by_hand))) == {"shop-web": ["extra", "shop-web-1"]}


def test_a_successor_is_in_the_pool_of_the_first_in_its_line() -> None:
    """A rollout replaces a container whose pool no label names; a stranger of the new one's name is none of it."""
    second = container("solo-r2", raw={BASE_LABEL: "solo"})
    assert servers(decide(world(container("solo"), second))) == {"solo": ["solo", "solo-r2"]}
    assert servers(decide(world(second))) == {"solo": ["solo-r2"]}
