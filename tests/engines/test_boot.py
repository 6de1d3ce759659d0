"""`boot.sh` alone, with a getent that plays Docker's DNS: which addresses a gateway without `watch` may serve.

In real gateways, with the awk and the DNS tools of their images, it runs in `tests/docker/test_boot.py`.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

from proxyctl.core import layout
from proxyctl.engines import boot
from proxyctl.engines.haproxy.engine import boot_script as of_haproxy
from proxyctl.engines.nginx.engine import boot_script as of_nginx
from proxyctl.engines.templates import shipped

REVISION = "0123456789abcdef"
HAPROXY = f"""\
    description "proxyctl revision={REVISION} topology=fedc"
    server a 172.18.0.2:80 weight 1
    server 172.18.0.3 172.18.0.3:8080 weight 1 check
    server far 192.0.2.1:80
"""
NGINX = f"""\
        server 172.18.0.2:80 weight=1;   # a
        server 172.18.0.3:8080 weight=1 backup;   # b
    server {{
        listen unix:/run/accepts-{REVISION}.sock;
"""


@dataclasses.dataclass
class Gateway:
    """A state folder with one generation of two servers, and what DNS says of them: (name or id) → addresses."""

    folder: Path
    config: str
    script: str
    answers: dict[str, str] = dataclasses.field(default_factory=dict)
    silent: tuple[str, ...] = ()

    def settle(self, before: str = "", *, keep: bool = False) -> tuple[int, str]:
        """Run the script up to where the proxy would start; return how `settle` ended, and what would be loaded.

        `keep` is as once the proxy serves. Of the `silent` names DNS says nothing within the time that it has.
        """
        head, _, _ = self.script.partition("# ---------------------------------------------------------------- before")
        script = head.replace(f"proxy={layout.MOUNT}", f"proxy={self.folder}")
        assert f"proxy={self.folder}\n" in script
        if before:
            (self.folder / "serve").unlink(missing_ok=True)
            (self.folder / "serve").symlink_to(before)
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        said = "".join(f'{n}.) printf "%s STREAM x\\n" {a} ;;\n' for n, a in self.answers.items())
        said += "".join(f"{n}.) exit 124 ;;\n" for n in self.silent)
        (tools / "getent").write_text(f"#!/bin/sh\ncase $2 in\n{said}*) exit 2 ;;\nesac\n")
        (tools / "getent").chmod(0o755)
        (self.folder / "run" / "admin.sock").touch()
        ran = subprocess.run(
            ["sh", "-c", f'{script}\nkeep={"1" * keep}\nsettle "$(ask_all)"'],
            env={"PATH": f"{tools}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        assert not ran.stderr or "disk full" in ran.stderr
        assert not (self.folder / "run" / "admin.sock").exists(), "nginx cannot bind to a path that exists"
        return ran.returncode, (self.folder / "serve" / self.config).read_text()


@pytest.fixture
def gateway(tmp_path: Path, request: pytest.FixtureRequest) -> Gateway:
    """A gateway of the engine that the test names."""
    config, text, script = {
        "haproxy": ("haproxy.cfg", HAPROXY, of_haproxy()),
        "nginx": ("nginx.conf", NGINX, of_nginx()),
    }[request.param]
    generation = tmp_path / "generations" / f"7-{REVISION}"
    generation.mkdir(parents=True)
    (tmp_path / "run").mkdir()
    (tmp_path / "current").symlink_to(f"generations/{generation.name}")
    (generation / config).write_text(text)
    (generation / layout.SERVERS).write_text("172.18.0.2 1a a\n172.18.0.3 2b b\n")
    return Gateway(tmp_path, config, script)


haproxy = pytest.mark.parametrize("gateway", ["haproxy"], indirect=True)
nginx = pytest.mark.parametrize("gateway", ["nginx"], indirect=True)
both = pytest.mark.parametrize("gateway", ["haproxy", "nginx"], indirect=True)


@both
def test_addresses_that_are_confirmed_are_served_as_they_are(gateway: Gateway) -> None:
    """By id, or by name where DNS does not know the id; the proxy reads `current` itself, so `watch` can adopt it."""
    gateway.answers = {"1a": "172.18.0.2", "b": "172.18.0.9 172.18.0.3"}
    code, text = gateway.settle()
    assert text == (HAPROXY if gateway.config == "haproxy.cfg" else NGINX)
    assert (gateway.folder / "serve").readlink() == Path("current")
    assert code == 0
    assert gateway.settle()[0] == 1, "nothing to load anew"


@haproxy
def test_haproxy_asks_containers_where_they_are_now(gateway: Gateway) -> None:
    """Two that swapped their addresses are swapped; what is no server of a pool stays; the revision is another one."""
    gateway.answers = {"1a": "172.18.0.3", "2b": "172.18.0.2"}
    assert gateway.settle("current") == (
        0,
        f"""\
    description "proxyctl revision=boot{REVISION} topology=fedc"
    server a 172.18.0.3:80 weight 1
    server 172.18.0.3 172.18.0.2:8080 weight 1 check
    server far 192.0.2.1:80
""",
    )


@haproxy
def test_haproxy_has_no_line_for_a_container_that_is_not_there(gateway: Gateway) -> None:
    """Nor for a name that several have: nobody says which of them is meant."""
    gateway.answers = {"b": "172.18.0.8 172.18.0.9"}
    lines = gateway.settle()[1].splitlines()
    assert lines[1:3] == [
        "#    server a 172.18.0.2:80 weight 1",
        "#    server 172.18.0.3 172.18.0.3:8080 weight 1 check",
    ]


@nginx
def test_nginx_marks_a_container_that_is_not_there(gateway: Gateway) -> None:
    """An upstream without any server would not load. What proves a reload has the other revision too."""
    gateway.answers = {"1a": "172.18.0.4"}
    assert gateway.settle()[1] == (
        f"""\
        server 172.18.0.4:80 weight=1;   # a
        server 172.18.0.3:8080 weight=1 backup down;   # b
    server {{
        listen unix:/run/accepts-boot{REVISION}.sock;
"""
    )


@haproxy
def test_no_answer_is_not_an_empty_answer_once_the_proxy_serves(gateway: Gateway) -> None:
    """At its start nobody is confirmed by a silent DNS; later a server stays where it was while others move."""
    gateway.silent, gateway.answers = ("1a",), {"2b": "172.18.0.9"}
    assert "#    server a 172.18.0.2:80" in gateway.settle()[1]
    text = gateway.settle(keep=True)[1]
    assert "\n    server a 172.18.0.2:80" in text
    assert "172.18.0.9:8080" in text


@both
def test_what_cannot_be_written_whole_is_not_served(gateway: Gateway) -> None:
    """The disk is full: the proxy would not load half a file, and would load what it loaded before."""
    tools = gateway.folder / "tools"
    tools.mkdir()
    (tools / "awk").write_text(
        "#!/bin/sh\nfor last; do :; done\ncase $last in */current/*) echo half; exit 2 ;; esac\n"
    )
    (tools / "awk").write_text((tools / "awk").read_text() + 'exec /usr/bin/awk "$@"\n')
    (tools / "awk").chmod(0o755)
    code, text = gateway.settle("current")
    assert (code, text) == (1, HAPROXY if gateway.config == "haproxy.cfg" else NGINX)
    assert (gateway.folder / "serve").readlink() == Path("current")


@both
def test_nobody_else_may_read_the_copy(gateway: Gateway) -> None:
    """It has the secret of `check`, as the generation has."""
    gateway.settle()
    assert (gateway.folder / "run" / "boot-a").stat().st_mode & 0o777 == 0o700
    assert (gateway.folder / "run" / "boot-a" / gateway.config).stat().st_mode & 0o777 == 0o600


@both
def test_a_reload_by_watch_reads_what_watch_wrote(gateway: Gateway) -> None:
    """Whatever the boot has left."""
    gateway.settle()
    assert (gateway.folder / "serve").readlink() == Path("run/boot-a")
    boot.serve_current(gateway.folder / "run")
    boot.serve_current(gateway.folder / "run")
    assert (gateway.folder / "serve").readlink() == Path("current")


@pytest.mark.parametrize("engine", ["haproxy", "nginx"])
def test_compose_starts_its_gateway_like_watch(engine: str) -> None:
    """Its file names the same script and waits for it in the same words."""
    words = " ".join((shipped(engine).parents[1] / "compose" / engine / "compose.yaml").read_text().split())
    assert boot.command()[2] in words
