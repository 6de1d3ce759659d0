"""How a container that has the gateway's name differs from what was asked for, from Docker's JSON alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from proxyctl.core import layout
from proxyctl.errors import GatewayError
from proxyctl.gateway.access import ENGINE_LABEL
from proxyctl.gateway.spec import (
    Mount,
    Spec,
    adoption_refusal,
    image_due,
    image_notice,
    removal_refusal,
    state_mount,
    unseen_folder,
)

DEFAULTS = ("ours:latest", "haproxy:3.2")
SPEC = Spec("web", "haproxy", DEFAULTS, (("127.0.0.1", 8080, 80),), ("haproxy",), "SIGUSR1", Path("/state/proxy"))
BINDINGS = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}


def entry(labels: dict[str, str] | None = None, image: str = "haproxy:3.2", **bindings: Any) -> dict[str, Any]:
    """Return the inspect of a gateway that is as SPEC says, but for what is given."""
    return {
        "Config": {
            "Labels": {layout.GATEWAY_LABEL: "web", ENGINE_LABEL: "haproxy"} if labels is None else labels,
            "Image": image,
        },
        "Image": "sha256:1",
        "HostConfig": {"PortBindings": bindings.get("ports", BINDINGS)},
        "Mounts": bindings.get("mounts", []),
    }


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (entry(), ""),
        (entry({layout.GATEWAY_LABEL: "web"}), ""),
        (entry({}), "exists and is no gateway of proxyctl"),
        (entry({layout.GATEWAY_LABEL: "shop"}), "exists and is no gateway of proxyctl"),
        (entry({layout.GATEWAY_LABEL: "web", ENGINE_LABEL: "nginx"}), "runs nginx, and haproxy was asked for"),
        (entry(ports={}), "publishes nothing, and something else"),
        (entry(ports={"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}), "publishes 0.0.0.0:8080:80, and something"),
    ],
)
def test_a_container_is_adopted_by_label_engine_and_ports(found: dict[str, Any], why: str) -> None:
    """A container that differs in one of them is refused with a line that says in what."""
    refusal = adoption_refusal(SPEC, found)
    assert why in refusal
    assert bool(refusal) == bool(why)


@pytest.mark.parametrize(
    "found", [entry({layout.GATEWAY_LABEL: "web", ENGINE_LABEL: "nginx"}), entry(ports={})], ids=["engine", "ports"]
)
def test_the_first_advice_takes_nothing_down(found: dict[str, Any]) -> None:
    """The site serves while somebody has mistyped a flag: leaving it out comes first, `down` last, with its price."""
    down = "proxyctl down --network web --state /s"
    spec = dataclasses.replace(SPEC, removal=down, removal_kept=f"{down} --keep-state")
    refusal = adoption_refusal(spec, found)
    assert 0 < refusal.index("it is taken over as it is") < refusal.index(f"`{down}")
    assert refusal.endswith("nothing is served meanwhile")


@pytest.mark.parametrize(
    ("mounts", "said"),
    [
        ([{"Source": "/other/proxy", "Type": "bind"}], "another state folder than /state: give --state /other"),
        ([{"Source": "/state/proxy", "Type": "bind"}], "removed and made anew: `docker restart proxyctl-web`"),
        ([{"Source": "/v", "Name": "kept", "Type": "volume"}], "has its state in kept, and not in /state/proxy"),
        ([], "has its state in no folder, and not in /state/proxy"),
    ],
)
def test_a_state_folder_that_the_gateway_does_not_see(mounts: list[dict[str, str]], said: str) -> None:
    """The one that it was made with is named, so that the next command works."""
    found = entry(mounts=[{"Destination": layout.MOUNT, **m} for m in mounts])
    assert said in unseen_folder(SPEC, found, Mount("/state/proxy", "bind"))


def test_ports_that_nobody_asked_for_are_taken_as_they_are() -> None:
    """A gateway that compose made has its ports from there."""
    spec = Spec("web", "haproxy", DEFAULTS, (), ("haproxy",), "SIGUSR1", Path("/state/proxy"))
    assert adoption_refusal(spec, entry()) == ""


@pytest.mark.parametrize(
    ("image", "id_", "chosen", "notice"),
    [
        ("haproxy:3.2", "sha256:1", False, ""),
        ("haproxy:3.2", "", False, ""),
        ("haproxy:3.2", "sha256:2", False, "runs an earlier haproxy:3.2, and haproxy:3.2 was asked for"),
        ("haproxy:2.6", "sha256:2", False, ""),
        ("ours:latest", "sha256:2", False, "runs an earlier ours:latest, and ours:latest was asked for"),
        ("haproxy:2.6", "sha256:2", True, "runs haproxy:2.6, and haproxy:3.2 was asked for"),
        ("haproxy:2.6", "", True, "runs haproxy:2.6, and haproxy:3.2 was asked for"),
        ("latest", "sha256:1", True, ""),
    ],
)
def test_another_image_is_told_where_one_was_asked_for(image: str, id_: str, chosen: bool, notice: str) -> None:
    """It counts what the names lead to: a tag that moved is another image, two names of one image are not."""
    named = ("haproxy:3.2",) if chosen else DEFAULTS
    spec = Spec("web", "haproxy", named, (), (), "SIGUSR1", Path("/state"), image_chosen=chosen)
    due = image_due(spec, entry(image=image))
    told = image_notice(spec, entry(image=image), due, id_) if due else ""
    assert notice in told
    assert bool(told) == bool(notice)


def test_a_gateway_with_its_state_elsewhere_is_not_removed() -> None:
    """A volume counts by its name, a folder by its path; a container without the mount has no state to keep."""
    volume = {"Destination": layout.MOUNT, "Type": "volume", "Name": "state", "Source": "/var/lib/docker/volumes/x"}
    folder = {"Destination": layout.MOUNT, "Type": "bind", "Source": "/state/proxy"}
    assert removal_refusal(SPEC, entry(mounts=[volume]), Mount("state", "volume")) == ""
    assert removal_refusal(SPEC, entry(mounts=[folder]), Mount("/state/proxy", "bind")) == ""
    assert removal_refusal(SPEC, entry(), Mount("/state/proxy", "bind")) == ""
    refusal = removal_refusal(SPEC, entry(mounts=[volume]), Mount("/state/proxy", "bind"))
    assert "has its state in state, and not in /state/proxy" in refusal


def test_the_state_folder_is_mounted_by_the_name_that_docker_knows() -> None:
    """On a host that is its path; in a container it is the volume or the folder of the host behind the path."""
    folder = Path("/state/proxy")
    bind = {"Type": "bind", "Source": "/srv/state", "Destination": "/state"}
    volume = {"Type": "volume", "Name": "kept", "Destination": "/state/proxy"}
    assert state_mount(folder, None) == Mount("/state/proxy", "bind")
    assert state_mount(folder, {"Mounts": [bind]}) == Mount("/srv/state/proxy", "bind")
    assert state_mount(folder, {"Mounts": [volume]}) == Mount("kept", "volume")
    others = [
        {"Type": "bind", "Source": "/srv/other", "Destination": "/sta"},
        {"Type": "volume", "Name": "above", "Destination": "/state"},
    ]
    with pytest.raises(GatewayError, match="/state/proxy is not a mount of this container"):
        state_mount(folder, {"Mounts": others})
