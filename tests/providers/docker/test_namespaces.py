"""Containers that share a network namespace, as a source sees them: where they are, and when that is lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from proxyctl.core.model import Attachment, Container, Owner
from proxyctl.providers.docker import view
from proxyctl.providers.docker.answers import Entry, Inspect, Unreadable, namespace_of, read
from proxyctl.providers.docker.namespaces import Namespaces
from proxyctl.providers.docker.source import DockerSource
from tests.core.worlds import container
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine
from tests.providers.docker.following import ENABLED, NET, NEVER, following, fresh, seen, until
from tests.providers.docker.world import Box, World

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


def pair(world: World, network: str = NET, *, by: Callable[[Box], str] = lambda box: box.id) -> tuple[Box, Box]:
    """Run `vpn`, which has no label, and `app` in its network namespace."""
    vpn = world.run("vpn", network, {})
    return vpn, world.run("app", "", ENABLED, ports=(81,), shares=by(vpn))


def owner_of(source: DockerSource) -> Owner | None:
    """Return the owner of the namespace of `app`."""
    app = seen(source, "app")
    return app.owner if app else None


@pytest.mark.parametrize("network", [NET, "elsewhere"])
@pytest.mark.parametrize("by", [lambda box: box.id, lambda box: box.name], ids=["id", "name"])
async def test_it_is_where_its_owner_is(engine: FakeEngine, network: str, by: Callable[[Box], str]) -> None:
    """Also where nobody would list the owner: it has no label, and is on a network of nobody's."""
    vpn, _ = pair(engine.world, network, by=by)
    (app,) = (c for c in (await fresh(engine)).containers if c.name == "app")
    assert app.owner == Owner(vpn.id, "vpn")
    assert app.namespace == vpn.id
    assert app.address_on(network) == vpn.networks[network] != ""


async def test_it_is_stopping_while_its_owner_is(engine: FakeEngine) -> None:
    """So it drains before the namespace ends; once the owner has ended it has no address."""
    vpn, _ = pair(engine.world)
    async with following(engine, resync=NEVER) as source:
        engine.world.signal(vpn, 15)
        await until(lambda: (c := seen(source, "app")) and c.stopping, "the drain of app")
        engine.world.die(vpn)
        await until(lambda: owner_of(source) == Owner(vpn.id, "vpn", "ended"), "the loss")
        app = seen(source, "app")
        assert app
        assert not app.stopping
        assert app.attachments == (Attachment(NET, ""),)


async def test_a_restart_of_the_owner_leaves_it_without_a_network(engine: FakeEngine) -> None:
    """Until it is restarted itself; a source that starts now sees the same."""
    vpn, app = pair(engine.world)
    async with following(engine, resync=NEVER) as source:
        engine.world.restart(vpn)
        await until(lambda: owner_of(source) == Owner(vpn.id, "vpn", "restarted"), "the loss")
        assert await fresh(engine) == source.snapshot
        engine.world.restart(app)
        await until(lambda: owner_of(source) == Owner(vpn.id, "vpn"), "the new namespace")
        assert await fresh(engine) == source.snapshot


async def test_an_owner_that_is_made_anew_is_another_one(engine: FakeEngine) -> None:
    """Docker refers to it by its id, so what is left has to be made anew as well."""
    vpn, app = pair(engine.world)
    async with following(engine, resync=NEVER) as source:
        engine.world.remove(vpn)
        again = engine.world.run("vpn", NET, {})
        await until(lambda: owner_of(source) == Owner(vpn.id, vpn.id[:12], "gone"), "the loss")
        assert (c := seen(source, "app"))
        assert c.attachments == ()
        engine.world.remove(app)
        engine.world.run("app", "", ENABLED, shares=again.id)
        await until(lambda: owner_of(source) == Owner(again.id, "vpn"), "the new one")


async def test_a_pause_of_the_owner_changes_nothing(engine: FakeEngine) -> None:
    """Its processes stand still, its network namespace does not."""
    vpn, _ = pair(engine.world)
    async with following(engine, resync=NEVER) as source:
        engine.world.pause(vpn)
        await until(lambda: (c := seen(source, "vpn")) and c.state == "paused", "the pause")
        assert owner_of(source) == Owner(vpn.id, "vpn")
        assert (c := seen(source, "app"))
        assert c.address_on(NET)


async def test_a_lost_event_of_the_owner_is_made_up_for(engine: FakeEngine) -> None:
    """A listing has no start times: the owner is inspected with each."""
    vpn, _ = pair(engine.world)
    async with following(engine) as source:
        engine.lose(6)
        engine.settle()
        engine.world.restart(vpn)
        await until(lambda: (o := owner_of(source)) and o.lost == "restarted", "the loss")


def chain(**links: str) -> dict[str, Container]:
    """Return containers by id, each sharing the namespace of another by its id; an empty text is none."""
    made = {f"id-{n}": container(n, owner=Owner(f"id-{to}", to) if to else None) for n, to in links.items()}
    return {i: dataclasses.replace(c, attachments=()) if c.owner else c for i, c in made.items()}


def test_a_chain_ends_at_the_container_with_a_network() -> None:
    """The owner of all of it; a circle, which no engine makes, has none."""
    housed = {c.name: c for c in Namespaces().housed(chain(a="b", b="c", c=""))}
    assert {n: c.owner and c.owner.name for n, c in housed.items()} == {"a": "c", "b": "c", "c": None}
    assert housed["a"].attachments == housed["c"].attachments
    circle = Namespaces().housed(chain(a="b", b="a"))
    assert {c.owner and c.owner.lost for c in circle} == {"gone"}


def test_who_has_ended_has_no_address_in_a_namespace_either() -> None:
    """As every container that does not run."""
    made = chain(a="b", b="")
    made["id-a"] = dataclasses.replace(made["id-a"], state="exited")
    (ended,) = (c for c in Namespaces().housed(made) if c.name == "a")
    assert {a.address for a in ended.attachments} == {""}
    assert ended.owner == Owner("id-b", "b")


@pytest.mark.parametrize(
    ("mode", "reference"), [("container:vpn", "vpn"), ("web", ""), ("host", ""), ("", ""), ("default", "")]
)
def test_which_mode_names_a_container(mode: str, reference: str) -> None:
    """Listing and inspect say the same."""
    assert namespace_of(mode) == reference
    json = {"Id": "web1", "HostConfig": {"NetworkMode": mode}, "State": {"Status": "running"}}
    for made in (
        view.from_inspect(read(Inspect, {**json, "Name": "/web1"})),
        view.from_listing(read(Entry, {**json, "Names": ["/web1"], "State": "running"})),
    ):
        assert made.owner == (Owner(reference, reference) if reference else None)


@pytest.mark.parametrize("mode", ["container:", "container:\x1b[2J", "container:a b"])
def test_a_mode_that_cannot_be_read_concerns_its_container(mode: str) -> None:
    """Nothing of it gets into a text."""
    with pytest.raises(Unreadable, match="is no network mode"):
        namespace_of(mode)
