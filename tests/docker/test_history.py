"""`proxyctl history` and `rollback`: what was applied, the way back, and what goes on meanwhile. Both engines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.docker.watching import Watch, eventually

pytestmark = pytest.mark.docker

TEMPLATE = {"haproxy": "_pool.cfg.j2", "nginx": "_upstream.conf.j2"}


@pytest.fixture
def template(watch: Watch, tmp_path: Path) -> Path:
    """A template of the user's, as it ships; the folder to start `watch` with is its parent."""
    folder = tmp_path / "templates"
    folder.mkdir()
    return Path(shutil.copy(Path("templates") / watch.engine / TEMPLATE[watch.engine], folder))


def history(watch: Watch) -> list[dict[str, Any]]:
    """Return the generations as `history --json` prints them, newest first."""
    told: list[dict[str, Any]] = json.loads(watch.ctl("history", "--json").stdout)["generations"]
    return told


def change(watch: Watch, template: Path, mark: str) -> None:
    """Change the template, and wait until the proxy runs with it."""
    template.write_text(template.read_text() + f"\n# {mark}\n")
    eventually(lambda: f"# {mark}" in watch.applied_text(), f"template {mark}")


def test_rollback_holds_templates_and_routes_while_servers_come_and_go(watch: Watch, template: Path) -> None:
    """Back to before a template change and a new pool; servers join and leave; a restart changes nothing; release."""
    watch.start("--templates", str(template.parent))
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    good = history(watch)[0]["generation"]
    change(watch, template, "first")
    watch.run("new1", labels={"pool": "new", "path": "/new"})
    watch.until(web1="up", new1="up")
    assert watch.ctl("maintenance", "new", "on").returncode == 0
    back = watch.ctl("rollback", str(good))
    assert (back.returncode, back.stderr) == (0, "")
    assert back.stdout == f"held at generation {good}; `proxyctl rollback --release` lets go\n"
    # the answer to the verb is the proof: nothing is waited for here
    assert "# first" not in watch.applied_text()
    assert set(watch.served_by(2, "/new")) == {"web1"}
    (held,) = (p for p in watch.problems() if not p["container"])
    assert held["severity"] == "warning"
    assert held["reason"].startswith(f"held at generation {good} since ")
    assert held["reason"].endswith("`proxyctl rollback --release` lets go")
    watch.run("web2", labels={"pool": "web"})
    watch.until("web", web1="up", web2="up")
    watch.container("web1").remove(force=True)
    watch.until("web", web2="up")
    watch.stop()
    template.write_text(template.read_text() + "\n# second\n")
    watch.start("--templates", str(template.parent))
    watch.until("web", web2="up")
    assert set(watch.served_by(2, "/new")) == {"web2"}
    planned = watch.ctl("plan", "--engine", watch.engine, "--templates", str(template.parent), "--json")
    assert json.loads(planned.stdout)["diff"] == ""
    let_go = watch.ctl("rollback", "--release")
    assert let_go.stdout.startswith(f"no longer held at generation {good}:")
    assert "# second" in watch.applied_text()
    assert watch.get("/new").status == 503, "its maintenance outlives a generation without it"
    assert watch.ctl("maintenance", "new", "off").returncode == 0
    assert set(watch.served_by(2, "/new")) == {"new1"}
    assert watch.problems() == []


def test_rollback_without_a_number_skips_what_differs_in_servers_only(watch: Watch, template: Path) -> None:
    """Joins after the change do not hide the way back; history tells all of it, and what does not exist is one line."""
    watch.start("--templates", str(template.parent))
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    change(watch, template, "bad")
    for n in range(2, 5):
        watch.run(f"web{n}", labels={"pool": "web"})
        eventually(lambda n=n: watch.servers().get(f"web{n}") == "up", f"web{n}")  # type: ignore[misc]
    told = history(watch)
    assert [h["generation"] for h in told] == sorted((h["generation"] for h in told), reverse=True)
    assert [(h["current"], h["good"]) for h in told] == [(True, True)] + [(False, False)] * (len(told) - 1)
    assert all(h["applied"] for h in told)
    assert f"{watch.network}-web4 joined pool web" in told[0]["changes"][0]
    (changed,) = (h for h in told if "template" in h["changes"][0])
    table = watch.ctl("history").stdout
    assert "current" in table
    assert all(len(line) <= 80 for line in table.splitlines())
    back = watch.ctl("rollback", "--json")
    assert json.loads(back.stdout)["held"] == changed["generation"] - 1
    assert "# bad" not in watch.applied_text()
    assert len(watch.servers()) == 4
    unknown = watch.ctl("rollback", "999")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("proxyctl: there is no generation 999 to go back to; there are ")
    assert watch.ctl("rollback", "3", "--release").returncode == 2
    assert watch.ctl("rollback", "--release").returncode == 0
    nothing = watch.ctl("rollback", "--release")
    assert (nothing.returncode, nothing.stderr.count("\n")) == (1, 1)


def test_a_rollback_that_the_proxy_refuses_is_undone(watch: Watch, template: Path) -> None:
    """A generation that no longer loads: one line with the reason, and everything is as before."""
    watch.start("--templates", str(template.parent))
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    good = history(watch)[0]["generation"]
    change(watch, template, "later")
    (meta,) = (watch.state / "proxy" / "generations").glob(f"{good}-*/desired.json")
    told = json.loads(meta.read_text())
    told["inputs"]["templates"][template.name] += "\nno such directive\n"
    meta.write_text(json.dumps(told))
    refused = watch.ctl("rollback", str(good))
    assert refused.returncode == 1
    assert "so it is undone" in refused.stderr
    assert refused.stderr.count("\n") == 1
    eventually(lambda: "# later" in watch.applied_text() and watch.problems() == [], "things as before")
    assert not (watch.state / "held.json").exists()
    assert watch.get().status == 200
