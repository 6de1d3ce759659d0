"""A container that ends again and again with nobody telling it to costs a few applies, and then none."""

from __future__ import annotations

import json
import re
from typing import Any

import docker.errors
import pytest

from proxyctl.core import codes
from tests.docker.watching import Watch, eventually

pytestmark = pytest.mark.docker

_CONFIG = "daemon off; worker_processes 1; pid /tmp/p; events {} http { server { listen 80; return 200; } }"
_SERVER = ["sh", "-c", f"echo '{_CONFIG}' >/tmp/c; nginx -e stderr -c /tmp/c & wait $!"]
_MANY = 3


def run(watch: Watch, name: str) -> Any:
    """Start a server that Docker starts again whenever it ends; `crash` ends it."""
    return watch.run(
        name,
        image="proxyctl/nginx:latest",
        command=_SERVER,
        restart_policy={"Name": "always"},
        labels={"pool": "web", "port": "80"},
    )


def crash(container: Any) -> None:
    """End the program inside, when it runs again, and wait until Docker knows: it tells of no signal then."""

    def restarts() -> int:
        return int(container.client.api.inspect_container(container.id)["RestartCount"])

    def killed() -> bool:
        try:
            code, _ = container.exec_run(["sh", "-c", "kill -9 $(cat /tmp/p) || exit 1"])
        except docker.errors.APIError:  # it does not run at this moment
            return False
        return bool(code != 1)  # the end of the container ends this command as well

    before = restarts()
    eventually(killed, "a crash")
    eventually(lambda: restarts() > before, "its end")


def told(watch: Watch) -> dict[str, str]:
    """Return the containers that crash in a loop, by name, with what is said of them."""
    prefix = f"{watch.network}-"
    return {p["container"].removeprefix(prefix): p["reason"] for p in watch.problems() if p["code"] == codes.CRASHES}


def applies(watch: Watch) -> list[str]:
    """Return how each change was applied so far."""
    return re.findall(r"applied .*?how=(\w+)", watch.log.read_text())


def test_a_container_that_crashes_thrice_waits_and_then_comes_back(watch: Watch) -> None:
    """Its further starts and ends reach the proxy no more; status, problem and `explain` say why. Then it joins again.

    Takes 20 s: it has to run for 10 s then.
    """
    watch.start()
    run(watch, "stays")
    bad = run(watch, "bad")
    for _ in range(_MANY):
        watch.until("web", stays="up", bad="up")
        crash(bad)
    eventually(lambda: told(watch), "a crash loop")
    watch.until("web", stays="up", bad="down")
    before = applies(watch)
    for _ in range(2):
        crash(bad)
    (reason,) = told(watch).values()
    assert re.match(r"crashed [345] times \(exit code 137\) .* once it has run for 1[0-9] s", reason)
    explained = watch.ctl("explain", bad.name)
    assert explained.returncode == 3
    assert "✘ crashed" in explained.stdout
    assert watch.servers("web") == {"stays": "up", "bad": "down"}
    watch.until("web", stays="up", bad="up")
    joined = applies(watch)[len(before) :]
    assert joined == (["runtime"] if watch.engine == "haproxy" else ["reload"])
    eventually(lambda: not told(watch), "the end of the problem")
    assert watch.ctl("explain", bad.name).returncode == 0


def test_an_operators_restarts_are_no_crashes_and_make_up_for_them(watch: Watch) -> None:
    """However many there are, nobody is told of a loop; a container that loops serves at once after one."""
    watch.start()
    web = run(watch, "web")
    for _ in range(_MANY + 1):
        watch.until("web", web="up")
        web.restart(timeout=0)
    watch.until("web", web="up")
    assert told(watch) == {}
    assert "crashed" not in watch.log.read_text()
    for _ in range(_MANY):
        watch.until("web", web="up")
        crash(web)
    eventually(lambda: told(watch), "a crash loop")
    web.restart(timeout=0)
    eventually(lambda: not told(watch), "the end of the loop")
    watch.until("web", web="up")
    answer = watch.ctl("status", "--json")
    assert codes.CRASHES not in {p["code"] for p in json.loads(answer.stdout)["problems"]}


def test_a_container_that_is_made_anew_at_each_start_is_the_same_loop(watch: Watch) -> None:
    """`docker run --rm` in a loop, as a unit of systemd has it: another container each time, of the same name."""
    watch.start()

    def again() -> Any:
        return watch.run(
            "web",
            image="proxyctl/nginx:latest",
            command=_SERVER,
            auto_remove=True,
            labels={"pool": "web", "port": "80"},
        )

    for _ in range(_MANY):
        web = again()
        watch.until("web", web="up")
        web.exec_run(["sh", "-c", "kill -9 $(cat /tmp/p)"])
        eventually(
            lambda: not watch.client.api.containers(all=True, filters={"name": f"^/{watch.network}-web$"}), "its end"
        )
    again()
    eventually(lambda: list(told(watch)) == ["web"], "a crash loop")
    watch.until("web", web="down")
