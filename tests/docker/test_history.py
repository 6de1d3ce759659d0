"""`proxyctl history` and `rollback`: what was applied, the way back, and what goes on meanwhile. Both engines."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docker.watching import Watch, eventually

pytestmark = pytest.mark.docker

TEMPLATE = {"haproxy": "_pool.cfg.j2", "nginx": "_upstream.conf.j2"}
MARK = "# changed: "


def with_template(watch: Watch) -> Path:
    """Return the template that a watch is to read, as it ships."""
    folder = watch.state.parent / "templates"
    folder.mkdir()
    watch.flags = ("--templates", str(folder))
    return Path(shutil.copy(Path("templates") / watch.engine / TEMPLATE[watch.engine], folder))


@pytest.fixture(scope="module")
def module_watch(module_watch: Watch) -> Watch:
    """The shared one, with a template of the user's."""
    with_template(module_watch)
    return module_watch


@pytest.fixture
def template(running: Watch) -> Iterator[Path]:
    """The template of the shared one; afterwards it is as it ships again."""
    path = running.state.parent / "templates" / TEMPLATE[running.engine]
    shipped = path.read_text()
    yield path
    path.write_text(shipped)
    eventually(lambda: MARK not in running.applied_text(), "the template as it ships")


def history(watch: Watch) -> list[dict[str, Any]]:
    """Return the generations as `history --json` prints them, newest first."""
    told: list[dict[str, Any]] = json.loads(watch.ctl("history", "--json").stdout)["generations"]
    return told


def change(watch: Watch, template: Path, mark: str) -> None:
    """Change the template, and wait until the proxy runs with it."""
    template.write_text(template.read_text() + f"\n{MARK}{mark}\n")
    eventually(lambda: MARK + mark in watch.applied_text(), f"template {mark}")


def test_rollback_holds_templates_and_routes_while_servers_come_and_go(running: Watch, template: Path) -> None:
    """Back to before a template change and a new pool; servers join and leave; a restart changes nothing; release.

    It takes its 7 s: one way there and back, with three containers and a restart.
    """
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    good = history(running)[0]["generation"]
    change(running, template, "first")
    running.run("new1", labels={"pool": "new", "path": "/new"})
    running.until(web1="up", new1="up")
    assert running.ctl("maintenance", "new", "on").returncode == 0
    back = running.ctl("rollback", str(good))
    assert (back.returncode, back.stderr) == (0, "")
    assert back.stdout.splitlines()[0] == f"held at generation {good}; `proxyctl rollback --release` lets go"
    assert "  templates as they were then" in back.stdout.splitlines()
    # the answer to the verb is the proof: nothing is waited for here
    assert f"{MARK}first" not in running.applied_text()
    assert set(running.served_by(2, "/new")) == {"web1"}
    (held,) = (p for p in running.problems() if not p["container"])
    assert held["severity"] == "warning"
    assert held["reason"].startswith(f"held at generation {good} since ")
    assert held["reason"].endswith("`proxyctl rollback --release` lets go")
    running.run("web2", labels={"pool": "web"})
    running.until("web", web1="up", web2="up")
    running.container("web1").remove(force=True)
    running.until("web", web2="up")
    running.stop()
    template.write_text(template.read_text() + f"\n{MARK}second\n")
    running.start()
    running.until("web", web2="up")
    assert set(running.served_by(2, "/new")) == {"web2"}
    planned = running.ctl("plan", "--engine", running.engine, "--templates", str(template.parent), "--json")
    assert json.loads(planned.stdout)["diff"] == ""
    let_go = running.ctl("rollback", "--release")
    assert let_go.stdout.startswith(f"no longer held at generation {good}:")
    assert f"{MARK}second" in running.applied_text()
    assert running.get("/new").status == 503, "its maintenance outlives a generation without it"
    assert running.ctl("maintenance", "new", "off").returncode == 0
    assert set(running.served_by(2, "/new")) == {"new1"}
    assert running.problems() == []


def test_rollback_without_a_number_skips_what_differs_in_servers_only(watch: Watch) -> None:
    """Joins after the change do not hide the way back; history tells all of it, and what does not exist is one line.

    It takes its 7 s: a history of its own, with one generation after the other.
    """
    template = with_template(watch)
    watch.start()
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    change(watch, template, "bad")
    for n in (2, 3):
        watch.run(f"web{n}", labels={"pool": "web"})
        eventually(lambda n=n: watch.servers().get(f"web{n}") == "up", f"web{n}")  # type: ignore[misc]
    told = history(watch)
    assert [h["generation"] for h in told] == sorted((h["generation"] for h in told), reverse=True)
    assert [(h["current"], h["good"]) for h in told] == [(True, True)] + [(False, False)] * (len(told) - 1)
    assert all(h["applied"] for h in told)
    assert f"{watch.network}-web3 joined pool web" in told[0]["changes"][0]
    (changed,) = (h for h in told if "template" in h["changes"][0])
    table = watch.ctl("history").stdout
    assert "current" in table
    assert all(len(line) <= 80 for line in table.splitlines())
    back = watch.ctl("rollback", "--json")
    assert json.loads(back.stdout)["held"] == changed["generation"] - 1
    assert f"{MARK}bad" not in watch.applied_text()
    assert len(watch.servers()) == 3
    unknown = watch.ctl("rollback", "999")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("proxyctl: there is no generation 999 to go back to; there are ")
    assert watch.ctl("rollback", "3", "--release").returncode == 2
    assert watch.ctl("rollback", "--release").returncode == 0
    nothing = watch.ctl("rollback", "--release")
    assert (nothing.returncode, nothing.stderr.count("\n")) == (1, 1)


def test_a_rollback_that_the_proxy_refuses_is_undone(running: Watch, template: Path) -> None:
    """A generation that no longer loads: one line with the reason, and everything is as before."""
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    good = history(running)[0]["generation"]
    change(running, template, "later")
    (meta,) = (running.state / "proxy" / "generations").glob(f"{good}-*/desired.json")
    told = json.loads(meta.read_text())
    told["inputs"]["templates"][template.name] += "\nno such directive\n"
    meta.write_text(json.dumps(told))
    refused = running.ctl("rollback", str(good))
    assert refused.returncode == 1
    assert refused.stderr.startswith("proxyctl: the proxy does not do it, so it is undone: ")  # known at once
    assert f"{running.engine} refused it: " in refused.stderr
    assert refused.stderr.count("\n") == 1
    eventually(lambda: f"{MARK}later" in running.applied_text() and running.problems() == [], "things as before")
    assert not (running.state / "held.json").exists()
    assert running.get().status == 200
