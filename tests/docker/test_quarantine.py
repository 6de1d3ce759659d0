"""What the proxy refuses of a configuration is found and left out; everything else is applied. Both engines."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import docker
import pytest

from proxyctl.engines.haproxy import sockets
from proxyctl.engines.haproxy.paths import ADMIN_SOCKET
from tests.docker.watching import BACKEND, LABEL, Watch, eventually, watching

pytestmark = pytest.mark.docker

NAME = {"haproxy": "_pool.cfg.j2", "nginx": "_upstream.conf.j2"}
BAD = "\n{{% if {} %}}\nthis_is_no_directive;\n{{% endif %}}\n"
RAISES = "\n{{% if {} %}}{{{{ 1 / 0 }}}}{{% endif %}}\n"


class Template:
    """The pools' template, to be edited while it is in use."""

    def __init__(self, watch: Watch, folder: Path) -> None:
        folder.mkdir()
        self.good = (Path("templates") / watch.engine / NAME[watch.engine]).read_text()
        self.path = folder / NAME[watch.engine]
        self.path.write_text(self.good)

    def add(self, text: str) -> None:
        """Write the good template with something at its end."""
        self.path.write_text(self.good + text)


@pytest.fixture
def template(watch: Watch, tmp_path: Path) -> Template:
    """The template that a watch started with `flags` reads."""
    made = Template(watch, tmp_path / "templates")
    watch.flags = ("--templates", str(made.path.parent))
    return made


def reasons(watch: Watch, name: str = "") -> list[tuple[str, str]]:
    """Return severity and reason of the problems of one container, or of none."""
    full = f"{watch.network}-{name}" if name else ""
    return [(p["severity"], p["reason"]) for p in watch.problems() if p["container"] == full]


def pool(watch: Watch, name: str) -> Any:
    """Return one pool as status shows it, if it does."""
    return next((p for p in (watch.status() or {"pools": []})["pools"] if p["name"] == name), None)


def test_a_new_pool_that_is_refused_is_left_out_and_everything_else_goes_on(watch: Watch, template: Template) -> None:
    """From the first generation on; status and explain show the proxy's own words; mended, it joins."""
    template.add(BAD.format('pool.name == "bad"'))
    for name in ("web1", "bad1"):
        watch.run(name, labels={"pool": name[:-1], "host": f"{name[:-1]}.test"})
    watch.start()
    watch.until("web", web1="up")
    watch.until("bad", bad1="down")
    (told,) = reasons(watch, "bad1")
    assert told[0] == "error"
    assert told[1].startswith(f"pool bad is left out: {watch.engine} refused it: ")
    assert "this_is_no_directive" in told[1]
    assert pool(watch, "bad")["routes"] == []
    assert watch.get(host="bad.test").status == 404
    explained = watch.ctl("explain", f"{watch.network}-bad1", "--engine", watch.engine)
    assert explained.returncode == 3
    assert told[1] in explained.stdout
    explained = watch.ctl("explain", "http://bad.test/", "--engine", watch.engine)
    assert explained.returncode == 3
    assert told[1] in explained.stdout
    assert told[1] in watch.ctl("plan", "--engine", watch.engine).stdout

    watch.run("more1", labels={"pool": "more", "host": "more.test"})
    watch.run("web2", labels={"pool": "web", "host": "web.test"})
    watch.until("web", web1="up", web2="up")
    watch.until("more", more1="up")
    assert reasons(watch, "bad1") == [told]
    template.add("# newer\n" + RAISES.format('pool.name == "bad"'))
    eventually(lambda: "division by zero" in str(reasons(watch, "bad1")), "the newer reason")
    assert f"{NAME[watch.engine]}, line " in str(reasons(watch, "bad1"))
    eventually(lambda: "# newer" in watch.applied_text(), "the newer template")
    assert watch.served_by(4, host="web.test").keys() == {"web1", "web2"}
    template.add("# mended\n")
    watch.until("bad", bad1="up")
    assert watch.problems() == []
    assert watch.get(host="bad.test").status == 200


def test_new_templates_that_what_serves_is_refused_for_are_not_used(watch: Watch, template: Template) -> None:
    """The last good ones stay, the problem names the pools, and joins go on."""
    watch.start()
    for name in ("web1", "odd1", "bad1"):
        watch.run(name, labels={"pool": name[:-1], "host": f"{name[:-1]}.test"})
    watch.until(web1="up", odd1="up", bad1="up")
    template.add(BAD.format('pool.name in ["bad", "odd"]'))
    (told,) = eventually(lambda: reasons(watch), "a problem")
    assert "this_is_no_directive" in told[1]
    assert told[1].endswith(", for pool bad, odd; the last good ones stay in use")
    watch.run("web2", labels={"pool": "web", "host": "web.test"})
    watch.until("web", web1="up", web2="up")
    assert watch.get(host="bad.test").status == 200
    template.add(RAISES.format('pool.name == "bad"'))
    eventually(lambda: any("division by zero" in r for _, r in reasons(watch)), "another problem")
    (told,) = reasons(watch)
    assert told[1].startswith(f"template {NAME[watch.engine]}, line ")
    assert told[1].endswith(", for pool bad; the last good ones stay in use")
    template.add("# mended\n")
    eventually(lambda: watch.problems() == [], "the problem to go")
    eventually(lambda: "# mended" in watch.applied_text(), "the mended template")


def test_a_pool_whose_new_settings_are_refused_keeps_its_old_ones(watch: Watch, template: Template) -> None:
    """With its current servers; others get theirs in the same pass; when it says something else, that is applied."""
    template.add(BAD.format('pool.balance == "uri"'))
    watch.start()
    watch.run("web1", labels={"pool": "web", "host": "web.test"})
    watch.until("web", web1="up")
    watch.run("web2", labels={"pool": "web", "host": "web.test", "timeout.queue": "4321ms", "balance": "uri"})
    watch.run("more1", labels={"pool": "more", "host": "more.test"})
    watch.until("web", web1="up", web2="up")
    watch.until("more", more1="up")
    assert pool(watch, "web")["balance"] == "roundrobin"
    (told,) = [r for r in reasons(watch, "web2") if "settings" in r[1]]
    assert told[0] == "warning"
    assert told[1].startswith(f"pool web keeps its previous settings: {watch.engine} refused it: ")
    assert watch.served_by(4, host="web.test") == {"web1": 2, "web2": 2}
    watch.container("web1").remove(force=True)
    watch.until("web", web2="up")
    watch.run("web3", labels={"pool": "web", "host": "web.test", "timeout.queue": "4322ms", "balance": "random"})
    watch.until("web", web2="up", web3="up")
    eventually(lambda: pool(watch, "web")["balance"] == "random", "the new settings")
    assert not [r for r in reasons(watch, "web2") if "settings" in r[1]]


def test_a_port_that_cannot_be_bound_costs_only_the_route_on_it(watch: Watch) -> None:
    """The pool's other route serves, a pool that has nothing else is left out; once the port is free they are taken."""
    watch.start()
    other = watch.client.containers.run(
        BACKEND,
        detach=True,
        network_mode=f"container:{watch.gateway.id}",
        environment={"ECHO_PORT": "8088"},
        labels={LABEL: "1"},
    )
    try:
        eventually(lambda: _listens(watch, 8088), "somebody else on port 8088")
        watch.run("web1", labels={"pool": "web", "route.more.listen": "8088", "route.more.host": "web.test"})
        watch.run("only1", labels={"pool": "only", "listen": "8088", "host": "only.test"})
        watch.until("web", web1="up")
        watch.until("only", only1="down")
        (told,) = reasons(watch, "web1")
        assert told[1] == (
            f"route web.test/ on port 8088 is left out: {watch.engine} refused it: "
            "port 8088 cannot be bound in the gateway: something else listens there"
        )
        assert watch.get().status == 200
        assert reasons(watch, "only1")[0][1].startswith("pool only is left out: ")
    finally:
        other.remove(force=True)
    watch.container("only1").remove(force=True)
    eventually(lambda: pool(watch, "only") is None, "the pool to go")
    watch.run("only1", labels={"pool": "only", "listen": "8088", "host": "only.test"})
    watch.until("only", only1="up")
    assert watch.get(host="only.test", port=8088).status == 200


def _listens(watch: Watch, port: int) -> bool:
    sockets = watch.gateway.exec_run(["cat", "/proc/net/tcp", "/proc/net/tcp6"]).output.decode()
    return f":{port:04X} 0" in sockets


def test_a_reload_that_failed_is_not_searched_and_not_tried_again(
    docker_client: docker.DockerClient, network: str, tmp_path: Path
) -> None:
    """Its files passed the check, so no part is to blame, and a reload costs connections. nginx needs 10 s to fail."""
    folder = tmp_path / "templates"
    folder.mkdir()
    good = Path("templates/haproxy/_global.cfg.j2").read_text()
    (folder / "_global.cfg.j2").write_text(good)
    with watching(docker_client, network, "haproxy", tmp_path / "state") as watch:
        watch.start("--templates", str(folder))
        watch.run("web1", labels={"pool": "web"})
        watch.until("web", web1="up")
        (folder / "_global.cfg.j2").write_text(good.replace("    description ", "    # description "))
        (told,) = eventually(lambda: reasons(watch), "a problem")
        assert "is `description` gone from the template?" in told[1]
        admin = watch.state / "proxy" / "run" / ADMIN_SOCKET
        before = asyncio.run(sockets.info(admin)).pid
        watch.run("odd", labels={"weight": "300"})  # makes passes, and changes nothing that is wanted
        eventually(lambda: reasons(watch, "odd"), "the end of a later pass")
        assert reasons(watch) == [told]
        assert asyncio.run(sockets.info(admin)).pid == before
