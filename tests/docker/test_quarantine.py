"""What the proxy refuses of a configuration is found and left out; everything else is applied. Both engines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxyctl.engines.haproxy import sockets
from proxyctl.engines.haproxy.paths import ADMIN_SOCKET
from tests.docker.watching import BACKEND, LABEL, Watch, eventually

pytestmark = pytest.mark.docker

NAME = {"haproxy": "_pool.cfg.j2", "nginx": "_upstream.conf.j2"}
BAD = "\n{{% if {} %}}\nthis_is_no_directive;\n{{% endif %}}\n"
RAISES = "\n{{% if {} %}}{{{{ 1 / 0 }}}}{{% endif %}}\n"


class Template:
    """One template, to be edited while it is in use."""

    def __init__(self, watch: Watch, name: str) -> None:
        self.good = (Path("templates") / watch.engine / name).read_text()
        self.path = watch.state.parent / "templates" / name
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(self.good)
        watch.flags = ("--templates", str(self.path.parent))

    def add(self, text: str) -> None:
        """Write the good template with something at its end."""
        self.path.write_text(self.good + text)


@pytest.fixture(scope="module")
def module_watch(module_watch: Watch) -> Watch:
    """The shared one, with templates of its own."""
    Template(module_watch, NAME[module_watch.engine])
    return module_watch


@pytest.fixture
def template(running: Watch) -> Iterator[Template]:
    """The pools' template of the shared one; afterwards it is as it ships again."""
    made = Template(running, NAME[running.engine])
    yield made
    made.add("")


def reasons(watch: Watch, name: str = "") -> list[tuple[str, str]]:
    """Return severity and reason of the problems of one container, or of none."""
    full = f"{watch.network}-{name}" if name else ""
    return [(p["severity"], p["reason"]) for p in watch.problems() if p["container"] == full]


def pool(watch: Watch, name: str) -> Any:
    """Return one pool as status shows it, if it does."""
    return next((p for p in (watch.status() or {"pools": []})["pools"] if p["name"] == name), None)


def test_a_new_pool_that_is_refused_is_left_out_and_everything_else_goes_on(watch: Watch) -> None:
    """From the first generation on; status and explain show the proxy's own words; mended, it joins.

    It takes its 7 s: a gateway of its own, whose first generation is refused.
    """
    template = Template(watch, NAME[watch.engine])
    template.add(BAD.format('pool.name == "bad"'))
    watch.run_each(web1={"pool": "web", "host": "web.test"}, bad1={"pool": "bad", "host": "bad.test"})
    watch.start()
    watch.until("web", web1="up")
    watch.until("bad", bad1="down")
    (told,) = eventually(lambda: reasons(watch, "bad1"), "its reason, which comes at the end of a pass")
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

    watch.run_each(more1={"pool": "more", "host": "more.test"}, web2={"pool": "web", "host": "web.test"})
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


def test_new_templates_that_what_serves_is_refused_for_are_not_used(running: Watch, template: Template) -> None:
    """The last good ones stay, the problem names the pools, and joins go on.

    It takes its 6 s: the proxy is asked about each part of two templates.
    """
    running.run_each(**{f"{name}1": {"pool": name, "host": f"{name}.test"} for name in ("web", "odd", "bad")})
    running.until(web1="up", odd1="up", bad1="up")
    template.add(BAD.format('pool.name in ["bad", "odd"]'))
    (told,) = eventually(lambda: reasons(running), "a problem")
    assert "this_is_no_directive" in told[1]
    assert told[1].endswith(", for pool bad, odd; the last good ones stay in use")
    running.run("web2", labels={"pool": "web", "host": "web.test"})
    running.until("web", web1="up", web2="up")
    assert running.get(host="bad.test").status == 200
    template.add(RAISES.format('pool.name == "bad"'))
    eventually(lambda: any("division by zero" in r for _, r in reasons(running)), "another problem")
    (told,) = reasons(running)
    assert told[1].startswith(f"template {NAME[running.engine]}, line ")
    assert told[1].endswith(", for pool bad; the last good ones stay in use")
    template.add("# mended\n")
    eventually(lambda: running.problems() == [], "the problem to go")
    eventually(lambda: "# mended" in running.applied_text(), "the mended template")


def test_a_pool_whose_new_settings_are_refused_keeps_its_old_ones(running: Watch, template: Template) -> None:
    """With its current servers; others get theirs in the same pass; when it says something else, that is applied.

    It takes its 5 s: three steps, each with a container that has to join first.
    """
    template.add(BAD.format('pool.balance == "uri"'))
    running.run("web1", labels={"pool": "web", "host": "web.test"})
    running.until("web", web1="up")
    running.run_each(
        web2={"pool": "web", "host": "web.test", "timeout.queue": "4321ms", "balance": "uri"},
        more1={"pool": "more", "host": "more.test"},
    )
    running.until("web", web1="up", web2="up")
    running.until("more", more1="up")
    (told,) = eventually(lambda: [r for r in reasons(running, "web2") if "settings" in r[1]], "a warning")
    assert pool(running, "web")["balance"] == "roundrobin"
    assert told[0] == "warning"
    assert told[1].startswith(f"pool web keeps its previous settings: {running.engine} refused it: ")
    assert running.served_by(4, host="web.test") == {"web1": 2, "web2": 2}
    running.container("web1").remove(force=True)
    running.until("web", web2="up")
    running.run("web3", labels={"pool": "web", "host": "web.test", "timeout.queue": "4322ms", "balance": "random"})
    running.until("web", web2="up", web3="up")
    eventually(lambda: pool(running, "web")["balance"] == "random", "the new settings")
    eventually(lambda: not [r for r in reasons(running, "web2") if "settings" in r[1]], "the end of the warning")


def test_a_port_that_cannot_be_bound_costs_only_the_route_on_it(running: Watch) -> None:
    """The pool's other route serves, a pool that has nothing else is left out; once the port is free they are taken."""
    other = running.client.containers.run(
        BACKEND,
        detach=True,
        network_mode=f"container:{running.gateway.id}",
        environment={"ECHO_PORT": "8088"},
        labels={LABEL: "1"},
    )
    try:
        eventually(lambda: _listens(running, 8088), "somebody else on port 8088")
        running.run_each(
            web1={"pool": "web", "route.more.listen": "8088", "route.more.host": "web.test"},
            only1={"pool": "only", "listen": "8088", "host": "only.test"},
        )
        running.until("web", web1="up")
        running.until("only", only1="down")
        (told,) = eventually(lambda: reasons(running, "web1"), "its reason")
        assert told[1] == (
            f"route web.test/ on port 8088 is left out: {running.engine} refused it: "
            "port 8088 cannot be bound in the gateway: something else listens there"
        )
        assert running.get().status == 200
        (only,) = eventually(lambda: reasons(running, "only1"), "its reason")
        assert only[1].startswith("pool only is left out: ")
    finally:
        other.remove(force=True)
    running.container("only1").remove(force=True)
    eventually(lambda: pool(running, "only") is None, "the pool to go")
    running.run("only1", labels={"pool": "only", "listen": "8088", "host": "only.test"})
    running.until("only", only1="up")
    assert running.get(host="only.test", port=8088).status == 200


def _listens(watch: Watch, port: int) -> bool:
    return any(row[1].endswith(f":{port:04X}") for row in watch.sockets(watch.gateway))


@pytest.mark.parametrize("module_watch", ["haproxy"], indirect=True)
def test_a_reload_that_failed_is_not_searched_and_not_tried_again(running: Watch) -> None:
    """Its files passed the check, so no part is to blame, and a reload costs connections. nginx needs 10 s to fail."""
    whole = Template(running, "_global.cfg.j2")
    running.run("web1", labels={"pool": "web"})
    running.until("web", web1="up")
    whole.path.write_text(whole.good.replace("    description ", "    # description "))
    try:
        (told,) = eventually(lambda: reasons(running), "a problem")
        assert "is `description` gone from the template?" in told[1]
        admin = running.state / "proxy" / "run" / ADMIN_SOCKET
        before = asyncio.run(sockets.info(admin))
        assert before.revision == (running.status() or {})["revision"], "what was loaded is not taken back"
        running.run("odd", labels={"weight": "300"})  # makes passes, and changes nothing that is wanted
        eventually(lambda: reasons(running, "odd"), "the end of a later pass")
        assert reasons(running) == [told]
        assert asyncio.run(sockets.info(admin)) == before
    finally:
        whole.add("")
