"""The verbs that only look, and `down`: what they print and how they end."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from tests.docker.command_line import run_here
from tests.docker.watching import Watch, eventually, listed

pytestmark = pytest.mark.docker


def test_plan_says_what_would_change_and_how_and_touches_nothing(watch: Watch) -> None:
    """Before any watch: all by reload, exit 2. In the steady state: nothing to do, exit 0.

    Takes 7 s: `watch` starts and ends, and `plan` is asked six times.
    """
    watch.run("web1", labels={"pool": "web"})
    engine = ("--engine", watch.engine)
    before = watch.ctl("plan", *engine)
    assert before.returncode == 2, before.stderr
    assert "pool web added" in before.stdout
    assert not (watch.state / "proxy").exists()
    watch.start()
    watch.until(web1="up")
    steady = watch.ctl("plan", *engine)
    assert (steady.returncode, steady.stdout.splitlines()[0]) == (0, "nothing to do"), steady.stdout
    watch.stop()
    watch.run("web2", labels={"pool": "web"})
    watch.until_listening("web2")  # `plan` gives it a second to answer, as `watch` would wait for it
    told = watch.ctl("plan", *engine, "--json")
    assert told.returncode == 2
    (change,) = json.loads(told.stdout)["changes"]
    how = "runtime" if watch.engine == "haproxy" else "reload"
    assert (json.loads(told.stdout)["how"], change["how"]) == (how, how)
    headline = watch.ctl("plan", *engine).stdout.splitlines()[0]
    assert headline.startswith({"runtime": "at run time, without a reload", "reload": "by reload: "}[how])
    assert "web2" in change["text"]
    assert f"{watch.network}-web2" in json.loads(told.stdout)["diff"]
    watch.run("api1", labels={"pool": "api", "path": "/api"})
    watch.until_listening("api1")
    told = watch.ctl("plan", *engine, "--json")
    assert {c["how"] for c in json.loads(told.stdout)["changes"]} == {"reload"}  # beside a new pool


def test_plan_says_why_a_template_alone_is_a_reload(running: Watch, tmp_path: Path) -> None:
    """Nothing of Docker's has changed: one line with the reason, then the diff."""
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    name = {"haproxy": "_global.cfg.j2", "nginx": "_http.conf.j2"}[running.engine]
    (tmp_path / name).write_text((Path("templates") / running.engine / name).read_text() + "\n# mine\n")
    told = running.ctl("plan", "--engine", running.engine, "--templates", str(tmp_path))
    assert told.returncode == 2, told.stderr
    assert told.stdout.splitlines()[0] == "by reload: templates or settings changed"
    assert "+# mine" in told.stdout


def test_render_prints_the_configuration_that_is_applied(running: Watch) -> None:
    """What `render` prints is, byte for byte, what `current` holds, but for the secret of `check`."""
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    printed = running.ctl("render", "--engine", running.engine)
    assert printed.returncode == 0
    secret = (running.state / "check.token").read_text().strip()
    assert secret in running.applied_text()
    assert printed.stdout == running.shown_text()
    assert secret not in running.ctl("plan", "--engine", "nginx" if running.engine == "haproxy" else "haproxy").stdout


def test_explain_tells_why_a_container_is_in_or_out_and_where_a_url_goes(running: Watch) -> None:
    """Exit 0 when it serves, 3 when not, with the reason."""
    running.run("web1", labels={"pool": "web", "host": "shop.example"})
    running.run("bad", labels={"weight": "x"})
    running.until(web1="up")
    engine = ("--engine", running.engine)
    good = running.ctl("explain", f"{running.network}-web1", *engine)
    assert good.returncode == 0
    assert "✔" in good.stdout
    bad = running.ctl("explain", f"{running.network}-bad", *engine)
    assert bad.returncode == 3
    assert "proxyctl.weight" in bad.stdout
    routed = running.ctl("explain", "http://shop.example/x", *engine)
    assert routed.returncode == 0
    assert "web" in routed.stdout
    assert running.ctl("explain", "http://other.example/", *engine).returncode == 3
    assert running.ctl("explain", "nobody", *engine).returncode == 3


def test_status_prints_json_of_the_promised_shape_and_a_line_for_each_server(running: Watch) -> None:
    """The keys of LABELS.md; in a pipe a line of single words, with the name as a whole."""
    running.run("web1", labels={"pool": "web"})
    running.run("bad", labels={"weight": "x"})
    running.until(web1="up")
    eventually(running.problems, "the problem")
    told = json.loads(running.ctl("status", "--json").stdout)
    assert told["network"] == running.network
    assert told["engine"] == running.engine
    assert told["events_connected"] is True
    assert told["synced_seconds_ago"] < 60
    (pool,) = told["pools"]
    assert pool["routes"][0] | {"host": None, "path": "/"} == pool["routes"][0]
    (server,) = pool["servers"]
    assert server.keys() >= {"name", "container", "address", "state", "weight", "backup", "requests"}
    running.get()
    requests = (running.status() or {})["pools"][0]["servers"][0]["requests"]
    assert (requests is None) == (running.engine == "nginx")
    (row,) = (line.split() for line in running.ctl("status").stdout.splitlines() if f"{running.network}-web1" in line)
    assert row[:5] == ["web", f"{running.network}-web1", server["address"], "up", "1"]
    assert running.ctl("status", "--strict").returncode == 3


def test_down_removes_the_gateway_and_a_network_that_watch_made(watch: Watch) -> None:
    """--create-network makes it, `down` removes it; while watch runs, `down` refuses.

    Not while a container is on it: one that was stopped could never start again.
    """
    watch.client.networks.get(watch.network).remove()
    watch.start("--create-network")
    refused = watch.ctl("down")
    assert refused.returncode == 1
    assert "is running" in refused.stderr
    web = watch.run("web1")
    web.stop()
    watch.stop()
    kept = watch.ctl("down", "--keep-state")
    assert (kept.returncode, kept.stderr) == (0, "")
    assert not listed(watch.client, name=f"^/proxyctl-{watch.network}$")
    assert watch.state.exists()
    stays = watch.ctl("down")
    assert (stays.returncode, stays.stderr) == (0, "")
    assert f"network {watch.network} stays: {web.name} is on it" in stays.stdout
    web.start()
    web.remove(force=True)
    done = watch.ctl("down")
    assert done.returncode == 0
    assert not watch.client.networks.list(names=[watch.network])
    assert not watch.state.exists()
    assert watch.ctl("down").returncode == 0


def test_doctor_is_content_with_a_machine_on_which_watch_works(watch: Watch) -> None:
    """Every line is ✔, exit 0."""
    ran = watch.ctl("doctor", "--engine", watch.engine)
    assert ran.returncode == 0, ran.stdout
    assert "✘" not in ran.stdout


@pytest.mark.parametrize("watch", ["haproxy"], indirect=True)
def test_doctor_looks_at_what_proxyctl_toml_names(watch: Watch) -> None:
    """Its network and its published ports; the gateway's own port is free for it, at its own address alone."""
    with socket.create_server(("127.0.0.2", 0)) as other:
        port = other.getsockname()[1]
        config = watch.state.parent / "proxyctl.toml"
        config.write_text(f'network = "{watch.network}"\npublish = ["127.0.0.1:{port}:80"]\nstate = "{watch.state}"\n')
        watch.start()

        def found(*flags: str) -> dict[str, tuple[bool, str]]:
            told = json.loads(run_here("doctor", "--json", "--config", str(config), *flags).stdout)
            return {each["name"]: (each["ok"], each["seen"]) for each in told}

        own = found()
        assert own["network"] == (True, watch.network)
        assert own["watch"] == (True, "running")
        assert own[f"port 127.0.0.1:{port}"] == (True, "free or the gateway's own")
        elsewhere = found("--publish", f"127.0.0.2:{port}:80", "--publish", "203.0.113.1:80:80")
        assert elsewhere[f"port 127.0.0.2:{port}"] == (False, "Address already in use")
        assert elsewhere["port 203.0.113.1:80"][0]  # not this machine's: bind fails, but nobody has it


def test_doctor_without_a_network_says_how_to_make_one() -> None:
    """It looks at everything else all the same."""
    ran = run_here("doctor", "--engine", "nginx", "--config", os.devnull)
    assert ran.returncode == 3
    assert "✘ network: none chosen\n" in ran.stdout
    assert "✔ image" in ran.stdout


def test_once_applies_what_is_there_and_ends(watch: Watch) -> None:
    """--once: exit 0, and the gateway serves without a watch."""
    watch.run("web1", labels={"pool": "web"})
    ran = watch.ctl_process("watch", "--engine", watch.engine, "--api", "off", "--once")
    assert ran.returncode == 0, ran.stderr
    assert watch.get().status == 200
