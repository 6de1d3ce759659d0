"""What a rollout asks Docker for: the old container's own wishes, the new image's defaults."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.core.layout import BASE_LABEL
from proxyctl.providers.docker.beside import refusal
from proxyctl.providers.docker.successor import Network, Old, Others, Successor, successors

ID = "0123456789ab" + "c" * 52
IMAGE = {
    "Env": ["PATH=/bin", "MODE=plain"],
    "Cmd": ["serve"],
    "Entrypoint": ["/init"],
    "Labels": {"built": "monday"},
    "User": "app",
    "WorkingDir": "/app",
    "ExposedPorts": {"80/tcp": {}},
    "Volumes": {"/data": {}},
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1},
}


COMPOSE = {
    "com.docker.compose.project": "shop",
    "com.docker.compose.service": "web",
    "com.docker.compose.container-number": "1",
    "com.docker.compose.config-hash": "h",
    "com.docker.compose.image": "sha256:old",
    "com.docker.compose.replace": "shop-web-0",
}


def old(name: str = "web1", *, host: Any = None, networks: Any = None, **config: Any) -> Old:
    """Return a container of `IMAGE`; `config` is what somebody asked for beside it."""
    merged = {**IMAGE, "Hostname": ID[:12], "Image": "shop:1", **config}
    return Old(
        {
            "Id": ID,
            "Name": f"/{name}",
            "Config": merged,
            "HostConfig": {"NetworkMode": "web", **(host or {})},
            "NetworkSettings": {"Networks": networks or {"web": {"Aliases": [ID[:12]]}}},
        },
        IMAGE,
    )


def one(each: Old) -> Successor:
    """Return the only successor of one container."""
    others = Others(frozenset({each.name}))
    (made,) = successors([each], "shop:2", image_id="sha256:new", count=1, others=others)
    return made


def test_what_came_from_the_image_is_left_to_the_new_one() -> None:
    """A container that was made with nothing but an image asks for nothing but an image, and has its host's wishes."""
    made = one(old(host={"Memory": 5, "RestartPolicy": {"Name": "always"}, "ContainerIDFile": "/x"}))
    host = {"NetworkMode": "web", "Memory": 5, "RestartPolicy": {"Name": "always"}, "ContainerIDFile": ""}
    empty: dict[str, Any] = {"Env": [], "ExposedPorts": {}, "Volumes": {}}
    assert made.body == {"Image": "shop:2", "Labels": {BASE_LABEL: "web1"}, "HostConfig": host, **empty}
    assert made.notices == ()


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ({"Env": ["PATH=/bin", "MODE=loud", "KEY=1"]}, {"Env": ["MODE=loud", "KEY=1"]}),
        ({"Cmd": ["serve", "--fast"]}, {"Cmd": ["serve", "--fast"]}),
        ({"Entrypoint": ["sh"], "Cmd": None}, {"Entrypoint": ["sh"], "Cmd": []}),
        ({"Entrypoint": ["sh"]}, {"Entrypoint": ["sh"], "Cmd": ["serve"]}),
        ({"Entrypoint": None, "Cmd": ["x"]}, {"Entrypoint": [""], "Cmd": ["x"]}),
        ({"User": "root", "StopSignal": "SIGQUIT", "StopTimeout": 3}, None),
        ({"WorkingDir": "/srv", "Tty": True, "Domainname": "d"}, None),
        ({"Hostname": "shop"}, {"Hostname": "shop"}),
        ({"ExposedPorts": {"80/tcp": {}, "81/tcp": {}}}, {"ExposedPorts": {"81/tcp": {}}}),
        ({"Volumes": {"/data": {}, "/more": {}}}, {"Volumes": {"/more": {}}}),
        ({"Healthcheck": {"Test": ["CMD", "true"], "Interval": 2}}, {"Healthcheck": {"Interval": 2}}),
        ({"Healthcheck": {"Test": ["NONE"]}}, {"Healthcheck": {"Test": ["NONE"]}}),
    ],
)
def test_what_somebody_asked_for_is_carried_over(config: dict[str, Any], asked: dict[str, Any] | None) -> None:
    """Whatever differs from the old image; lists and tables item by item."""
    body = one(old(**config)).body
    for key, value in (config if asked is None else asked).items():
        assert body[key] == value


def test_an_image_that_says_nothing() -> None:
    """Everything that the container has was asked for, and nothing needs to be there."""
    made = successors(
        [Old(old(Env=None, Labels=None, Healthcheck=None, Volumes=None).inspect, {})],
        "shop:2",
        image_id="",
        count=1,
        others=Others(),
    )[0]
    assert made.body["Cmd"] == ["serve"]
    assert made.body["Entrypoint"] == ["/init"]
    assert "Healthcheck" not in made.body


def test_labels_of_the_image_are_not_carried_over() -> None:
    """The new image may have its own; those of the container stay."""
    labels = {"built": "monday", "proxyctl.enable": "true"}
    assert one(old(Labels=labels)).body["Labels"] == {"proxyctl.enable": "true", BASE_LABEL: "web1"}
    overridden = one(old(Labels={"built": "tuesday"})).body["Labels"]
    assert overridden["built"] == "tuesday"


@pytest.mark.parametrize(
    ("bindings", "port"),
    [
        ({"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}, "8080"),
        ({"80/tcp": [{"HostPort": ""}, {"HostPort": "0"}], "81/tcp": None}, ""),
        ({"80/tcp": [{"HostPort": "8000-8010"}]}, ""),
        (None, ""),
    ],
)
def test_a_fixed_host_port_is_refused(bindings: Any, port: str) -> None:
    """Two containers cannot have it; one that Docker chooses, also from a range, is no obstacle."""
    why = refusal([old("web0"), old(host={"PortBindings": bindings})], Others())
    assert bool(why) == bool(port)
    assert port in why
    assert not port or why.startswith("web1 publishes host port 8080,")


def test_every_network_is_kept() -> None:
    """The one that it was made on comes first, as Docker takes that one at once; the others are connected after."""
    three = {n: {"Aliases": [f"web-on-{n}", ID[:12]]} for n in ("blog", "shop", "web")}
    assert [(n.name, n.aliases) for n in one(old(networks=three)).networks] == [
        ("web", ("web-on-web", "web1")),
        ("blog", ("web-on-blog", "web1")),
        ("shop", ("web-on-shop", "web1")),
    ]


def test_plain_names_count_up_and_the_first_one_stays_an_alias() -> None:
    """web1, web1-r2, web1-r3: others that talk to web1 by name always find the newest."""
    first = one(old())
    assert first.name == "web1-r2"
    assert first.networks == (Network("web", aliases=("web1",)),)
    again = old("web1-r2", Labels={BASE_LABEL: "web1"}, networks={"web": {"Aliases": ["web1", ID[:12]]}})
    second = one(again)
    assert (second.name, second.networks) == ("web1-r3", first.networks)
    assert second.body["Labels"] == {BASE_LABEL: "web1"}


@pytest.mark.parametrize(
    ("name", "labels", "new"),
    [
        ("web1-r3", {BASE_LABEL: "web1"}, "web1-r4"),  # and not web1-r2, which is free again
        ("web1-r9", {BASE_LABEL: "web1"}, "web1-r10"),
        ("api-r2", {}, "api-r3"),  # somebody's own name
        ("shop-web-1-r2", None, "shop-web-1-r3"),  # a service of compose whose number was taken
        ("a.b_C-r", {}, "a.b_C-r-r2"),
    ],
)
def test_names_only_grow(name: str, labels: dict[str, str] | None, new: str) -> None:
    """One number at the end, which goes up: no name comes again, and none becomes a chain."""
    made = one(old(name, Labels=COMPOSE | {"com.docker.compose.container-number": "2"} if labels is None else labels))
    assert made.name == new
    assert made.replaces == name
    if labels is not None:
        assert made.body["Labels"][BASE_LABEL] == labels.get(BASE_LABEL, name), "the pool goes by the first name"


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("container:" + "f" * 64, "web1 lives in the network of container ffffffffffff, where two cannot"),
        ("host", "web1 lives in the network of the host, where two cannot"),
    ],
)
def test_a_network_that_two_cannot_listen_in_is_refused(mode: str, told: str) -> None:
    """The second container could not bind to its port."""
    assert refusal([old(host={"NetworkMode": mode})], Others()).startswith(told)


@pytest.mark.parametrize("key", [ID, "web1"])
def test_a_container_that_others_live_in_is_refused(key: str) -> None:
    """They would lose their network with it, and could not even be started again."""
    assert "vpn lives in the network of web1, and would lose it" in refusal([old()], Others(lodgers={key: "vpn"}))
    assert refusal([old()], Others(lodgers={"another": "vpn"})) == ""


def test_anonymous_volumes_are_not_shared_and_that_is_said() -> None:
    """Old and new run at the same time. Volumes with a name, folders, and what goes with `--rm` are not told."""
    mounts = [
        {"Type": "volume", "Name": "a" * 64, "Destination": "/data"},
        {"Type": "volume", "Name": "b" * 64, "Destination": "/named"},
        {"Type": "volume", "Name": "shop", "Destination": "/shop"},
        {"Type": "bind", "Source": "/srv", "Destination": "/srv"},
    ]

    def told(**host: Any) -> tuple[str, ...]:
        each = old(host={"Binds": ["b" * 64 + ":/named:rw"], **host})
        return one(Old({**each.inspect, "Mounts": mounts}, each.image)).notices

    assert told() == ("web1-r2 begins with an empty volume at /data: that of web1 stays, as aaaaaaaaaaaa",)
    assert told(AutoRemove=True) == ()


def test_a_host_name_that_is_the_hosts_is_left_out() -> None:
    """Docker shows it in the inspect of a container with `--uts host`, and refuses it in one that is made so."""
    assert "Hostname" not in one(old(host={"UTSMode": "host"}, Hostname="machine")).body


def test_more_or_fewer_than_before() -> None:
    """The old ones are taken in turn, and no name twice."""
    pair = [old("a"), old("b")]
    names = [
        [m.name for m in successors(pair, "i", image_id="", count=n, others=Others(frozenset({"a", "b", "a-r2"})))]
        for n in (1, 3)
    ]
    assert names == [["a-r3"], ["a-r3", "b-r2", "a-r4"]]


def test_a_service_of_compose_keeps_its_labels_under_the_next_number() -> None:
    """Compose finds its containers by these labels, and wants each number once."""
    aliases = {"web": {"Aliases": ["web", "shop-web-1", ID[:12]]}}
    service = old("shop-web-1", Labels=COMPOSE, networks=aliases)
    made = successors([service], "i", image_id="sha256:new", count=2, others=Others(numbers={("shop", "web"): 3}))
    assert [m.name for m in made] == ["shop-web-4", "shop-web-5"]
    kept = {k: v for k, v in COMPOSE.items() if not k.endswith("replace")}
    number, image = "com.docker.compose.container-number", "com.docker.compose.image"
    assert made[1].body["Labels"] == kept | {number: "5", image: "sha256:new"}
    assert made[0].networks == (Network("web", aliases=("shop-web-4", "web")),)


def test_a_service_with_a_name_of_its_own() -> None:
    """`container_name` has no number to count up; no image label is invented; a taken name stays."""
    labels = {k: v for k, v in COMPOSE.items() if not k.endswith("image")}
    made = one(old("shop", Labels=labels))
    assert made.name == "shop-r2"
    assert "com.docker.compose.image" not in made.body["Labels"]
    (taken,) = successors(
        [old("shop-web-1", Labels=COMPOSE)], "i", image_id="", count=1, others=Others(frozenset({"shop-web-1"}))
    )
    assert taken.name == "shop-web-1-r2"
    (half,) = successors(
        [old("x-1", Labels={"com.docker.compose.project": "shop"})], "i", image_id="", count=1, others=Others()
    )
    assert half.name == "x-1-r2"


@pytest.mark.parametrize(("mode", "first"), [("web", "web"), ("id-web", "web"), ("default", "bridge"), ("gone", "api")])
def test_networks_are_all_kept_the_first_one_first(mode: str, first: str) -> None:
    """Aliases, links and driver options come along; Docker's own bridge knows no aliases."""
    networks = {
        "web": {"NetworkID": "id-web", "Aliases": None, "Links": ["db:database"], "DriverOpts": {"k": "v"}},
        "api": {"NetworkID": "id-api"},
        "bridge": {"NetworkID": "id-bridge"},
    }
    made = one(old(host={"NetworkMode": mode}, networks=networks)).networks
    assert made[0].name == first
    assert set(made) == {
        Network("web", ("web1",), (("db", "database"),), (("k", "v"),)),
        Network("api", ("web1",)),
        Network("bridge"),
    }


def test_what_two_cannot_share_is_dropped_and_said() -> None:
    """A fixed address and a fixed MAC address: the new one gets others."""
    made = one(
        old(
            MacAddress="02:42",
            networks={"web": {"IPAMConfig": {"IPv4Address": "10.0.0.9", "IPv6Address": "fd00::9"}}, "api": {}},
        )
    )
    assert len(made.notices) == 3
    assert "MAC" in made.notices[0]
    assert "10.0.0.9" in made.notices[1]
