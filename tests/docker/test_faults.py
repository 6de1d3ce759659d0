"""Bad input and faults: one clear line, the right exit code, and the running proxy untouched."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from tests.docker.command_line import run_here, run_proxyctl
from tests.docker.watching import BACKEND, Watch, eventually, listed

pytestmark = pytest.mark.docker

BROKEN = {"haproxy": "_global.cfg.j2", "nginx": "_http.conf.j2"}
one_engine = pytest.mark.parametrize("watch", ["haproxy"], indirect=True)  # where the gateway's life is the same
haproxy_runs = pytest.mark.parametrize("module_watch", ["haproxy"], indirect=True)


@pytest.fixture(scope="module")
def module_watch(module_watch: Watch) -> Watch:
    """The shared one, with templates and a settings file of its own."""
    folder = module_watch.state.parent
    for name in ("templates", "settings"):
        (folder / name).mkdir()
    (folder / "settings" / "proxyctl.toml").write_text('[defaults]\nbalance = "leastconn"\n')
    module_watch.flags = ("--templates", str(folder / "templates"))
    module_watch.flags += ("--config", str(folder / "settings" / "proxyctl.toml"))
    return module_watch


@pytest.fixture
def template(running: Watch) -> Iterator[Path]:
    """A template that the running one reads; it is as it ships, and is so again afterwards."""
    name = BROKEN[running.engine]
    path = running.state.parent / "templates" / name
    path.write_text(good := (Path("templates") / running.engine / name).read_text())
    yield path
    path.write_text(good)


def one_line(text: str) -> str:
    """Return the only line of an error; fail when it is a traceback or more than that."""
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    assert lines[0].startswith("proxyctl: ")
    return lines[0]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["watch"], "--network"),
        (["watch", "--network", "no-such-network"], "docker network create no-such-network"),
        (["watch", "--network", "bridge"], "user-defined"),
        (["watch", "--network", "x", "--engine", "apache"], "--engine"),
        (["watch", "--network", "x", "--publish", "80"], "127.0.0.1:8080:80"),
        (["watch", "--network", "x", "--publish", "1:70000"], "--publish"),
        (["watch", "--network", "x", "--resync", "soon"], "--resync"),
        (["watch", "--network", "x", "--api", "8900"], "--api"),
        (["watch", "--network", "x", "--templates", "/no/such/folder"], "--templates"),
        (["watch", "--network", "x", "--config", "/no/such.toml"], "/no/such.toml"),
        (["watch", "--network", "x", "--nonsense"], "--nonsense"),
        (["weight", "web1", "300", "--network", "x"], "256"),
        (["nonsense"], "nonsense"),
    ],
)
def test_a_usage_error_is_one_line_that_names_the_flag_and_exit_2(argv: list[str], said: str, tmp_path: Path) -> None:
    """Whatever cannot be meant that way is said in one line, with what to do."""
    ran = run_here(*argv, env={"PROXYCTL_STATE": str(tmp_path)})
    assert ran.returncode == 2, ran.stderr
    assert said in one_line(ran.stderr)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("network = nothing", "line 1"),
        ('nettwork = "x"', "unknown key"),
        ('resync = "soon"', "resync"),
        ("[proxy]\nmaxconn = 0", "[proxy] maxconn"),
        ("[proxy]\nspeed = 9", "unknown key"),
    ],
)
def test_a_bad_settings_file_is_named_with_the_place(toml: str, said: str, tmp_path: Path) -> None:
    """The line names the file and the key or the line in it."""
    path = tmp_path / "proxyctl.toml"
    path.write_text(toml)
    ran = run_here("watch", "--network", "x", "--config", str(path))
    assert ran.returncode == 2
    assert str(path) in one_line(ran.stderr)
    assert said in ran.stderr


def test_no_engine_is_one_line_with_what_to_do(tmp_path: Path) -> None:
    """A Docker that is not there is exit 1, also for the verbs that only look, and `doctor` is exit 3."""
    env = {"DOCKER_HOST": f"unix://{tmp_path}/no.sock", "PROXYCTL_STATE": str(tmp_path / "state")}
    for verb in ("watch", "plan", "render"):
        ran = run_here(verb, "--network", "web", env=env)
        assert ran.returncode == 1
        assert f"nobody answers at DOCKER_HOST=unix://{tmp_path}/no.sock" in one_line(ran.stderr)
    ran = run_here("doctor", "--network", "web", env=env)
    assert ran.returncode == 3
    assert "✘ docker" in ran.stdout


def test_a_socket_without_permission_says_how_to_get_it(tmp_path: Path) -> None:
    """The group to join is named."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0)
        ran = run_here(
            "watch", "--network", "web", env={"DOCKER_HOST": f"unix://{path}", "PROXYCTL_STATE": str(tmp_path / "s")}
        )
    assert ran.returncode == 1
    expected = (
        "nobody answers at DOCKER_HOST=" if os.geteuid() == 0 else "usermod -aG docker"
    )  # root is refused nothing
    assert expected in one_line(ran.stderr)


@one_engine
def test_a_taken_port_is_named_and_leaves_no_gateway_behind(watch: Watch) -> None:
    """The gateway that could not start is removed again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = watch.ctl("watch", "--engine", watch.engine, "--api", "off", "--publish", f"127.0.0.1:{port}:80")
    assert ran.returncode == 1
    assert str(port) in one_line(ran.stderr)
    assert "--publish" in ran.stderr
    assert not listed(watch.client, name=f"^/proxyctl-{watch.network}$")


@one_engine
def test_a_taken_api_port_is_a_usage_error(watch: Watch) -> None:
    """The line names --api."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = watch.ctl_process("watch", "--engine", watch.engine, "--api", f"127.0.0.1:{taken.getsockname()[1]}")
    assert ran.returncode == 2
    assert "--api" in one_line(ran.stderr)


@one_engine
def test_a_state_folder_that_no_socket_fits_in_is_named(watch: Watch) -> None:
    """Too long a path is a usage error before anything is made, and not one of --api."""
    deep = watch.state.parent / ("x" * 90)
    ran = run_here("watch", "--network", watch.network, "--state", str(deep))
    assert ran.returncode == 2
    assert one_line(ran.stderr).startswith(f"proxyctl: the state folder {deep}: too long by ")
    assert not deep.exists()
    assert not listed(watch.client, name=f"^/proxyctl-{watch.network}$")


@one_engine
def test_down_says_what_it_cannot_remove(watch: Watch) -> None:
    """As when another user's `watch` made it; a folder in a file's place stands for that here."""
    (watch.state / "watch.lock" / "x").mkdir(parents=True)
    ran = watch.ctl("down")
    assert ran.returncode == 1
    assert one_line(ran.stderr) == (
        f"proxyctl: {watch.state}/watch.lock: it is a folder, not a file: "
        f"remove {watch.state} as the user that ran `proxyctl watch`"
    )


@one_engine
def test_an_image_that_is_missing_is_named(watch: Watch) -> None:
    """Nothing is left behind."""
    ran = watch.ctl("watch", "--engine", watch.engine, "--api", "off", "--image", "no/such:image", "--no-pull")
    assert ran.returncode == 1
    assert "no/such:image" in one_line(ran.stderr)
    assert not listed(watch.client, name=f"^/proxyctl-{watch.network}$")


def test_an_image_that_has_no_proxy_is_named(
    docker_client: docker.DockerClient, network: str, other_network: str, tmp_path: Path
) -> None:
    """The engine is named; nothing is left behind. It takes its 7 s: the gateway's wait for a proxy ends by a kill."""

    def watch(engine: str, name: str) -> subprocess.CompletedProcess[str]:
        place = ("--network", name, "--state", str(tmp_path / engine))
        return run_proxyctl("watch", "--engine", engine, "--api", "off", "--image", BACKEND, *place)

    places = {"haproxy": network, "nginx": other_network}
    with ThreadPoolExecutor() as threads:  # both wait at the same time
        ends = dict(zip(places, threads.map(watch, *zip(*places.items(), strict=True)), strict=True))
    for engine, ran in ends.items():
        assert ran.returncode == 1
        assert engine in one_line(ran.stderr)
        assert not listed(docker_client, name=f"^/proxyctl-{places[engine]}$")


@haproxy_runs
def test_ctrl_c_ends_with_0_and_the_gateway_is_kept_for_its_engine(module_watch: Watch) -> None:
    """SIGINT, as Ctrl-C sends it: no traceback. Another engine does not replace what serves: `down` is named."""
    if module_watch.process is None:
        module_watch.start()
    assert module_watch.stop(signal.SIGINT) == 0
    assert "Traceback" not in module_watch.log.read_text()
    ran = module_watch.ctl("watch", "--engine", "nginx", "--api", "off")
    assert ran.returncode == 1
    assert "proxyctl down" in one_line(ran.stderr)
    assert module_watch.get().status == 404


def test_verbs_that_need_a_watch_say_so(tmp_path: Path) -> None:
    """status and drain without a watch: one line, exit 1."""
    for argv in (["status"], ["drain", "web1"]):
        ran = run_here(*argv, "--network", "web", "--state", str(tmp_path))
        assert ran.returncode == 1
        assert "no `proxyctl watch` answers" in one_line(ran.stderr)


@pytest.mark.parametrize("what", ["syntax", "undefined", "refused"])
def test_a_bad_template_leaves_the_running_configuration_in_place(running: Watch, template: Path, what: str) -> None:
    """A template that does not render, or that the proxy refuses, is reported; joins go on; mended, it is applied."""
    good = template.read_text()
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    bad = {"syntax": "{% if %}", "undefined": "{{ nothing.like.this }}", "refused": "\nthis_is_no_directive on;\n"}[
        what
    ]
    template.write_text(good + bad)
    said = "this_is_no_directive" if what == "refused" else template.name
    eventually(lambda: any(said in p["reason"] for p in running.problems()), f"a problem that names {said}")
    assert running.served_by(2) == {"web1": 2}
    running.run("web2", labels={"pool": "web"})
    running.until(web1="up", web2="up")
    template.write_text(good + f"\n# mended {what}\n")
    eventually(lambda: running.problems() == [], "the problem to go")
    eventually(lambda: f"# mended {what}" in running.applied_text(), "the mended template to be applied")


def descriptors(pid: int) -> str:
    """Return what the kernel says of a process's open files; some are closed while it is read."""
    told = []
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):
            told.append(entry.read_text())
    return "".join(told)


def test_a_changed_settings_file_is_applied_and_a_broken_one_is_not(running: Watch) -> None:
    """[proxy] and [defaults] take effect while it runs; a mistake is reported and changes nothing."""
    path = running.state.parent / "settings" / "proxyctl.toml"
    below = path.parent / "below"
    below.mkdir()
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")

    def balance() -> str:
        return str((running.status() or {})["pools"][0]["balance"])

    assert balance() == "leastconn"
    assert running.process is not None
    assert f"ino:{below.stat().st_ino:x} " not in descriptors(running.process.pid)  # a folder may hold a whole home
    path.write_text('[defaults]\nbalance = "random"\n')
    eventually(lambda: balance() == "random", "the new default")
    path.write_text("[defaults\n")
    eventually(lambda: any(str(path) in p["reason"] for p in running.problems()), "a problem that names the file")
    assert balance() == "random"
    assert running.get().status == 200
    path.write_text('[defaults]\nbalance = "roundrobin"\n')
    eventually(lambda: balance() == "roundrobin" and running.problems() == [], "the mended file")


@haproxy_runs
def test_a_haproxy_that_does_not_answer_for_a_while_is_asked_again(running: Watch) -> None:
    """A machine without time for it refuses nothing: what could not be applied meanwhile is applied afterwards.

    It takes its 15 s: HAProxy is given 5 s to answer, by each part that asks.
    """
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    told = len(running.log.read_text())
    workers = [int(pid) for pid in running.proxy_pids() if int(pid) != running.gateway.attrs["State"]["Pid"]]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        running.run("web2", labels={"pool": "web"})
        # by the log, for a status counts requests: it is asked of the workers too, 5 s each time
        eventually(lambda: "does not answer" in running.log.read_text()[told:], "a problem that says so")
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    running.until(web1="up", web2="up")
    eventually(lambda: running.problems() == [], "the problem to go")


def test_a_full_disk_ends_nothing_and_is_told(watch: Watch) -> None:
    """What cannot be written is a problem; once there is room again, all that happened meanwhile is caught up.

    It takes its 5 s: a gateway of its own, whose state is on a disk of its own.
    """
    watch.state.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "proxyctl-test", str(watch.state)], check=True)
    try:
        watch.start()
        watch.run_each(web1={"pool": "web"}, web2={"pool": "web"})
        watch.until(web1="up", web2="up")
        filler = watch.state / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 1024):
                pass
        watch.container("web2").stop()
        watch.run("web3", labels={"pool": "web"})
        eventually(lambda: any("No space left" in p["reason"] for p in watch.problems()), "a problem that says so")
        assert watch.get().status == 200
        assert watch.alive()
        filler.unlink()
        watch.until(web1="up", web3="up")
        eventually(lambda: watch.problems() == [], "the problem to go")
    finally:
        watch.close()
        subprocess.run(["umount", str(watch.state)], check=True)
