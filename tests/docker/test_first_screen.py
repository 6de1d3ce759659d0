"""What a newcomer meets: the first screen, Ctrl-C, another flag than the gateway was made with. Every remedy is run."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import pytest

from tests.docker.command_line import run_here, run_proxyctl
from tests.docker.screen import Screen
from tests.docker.watching import Watch, eventually, free_port, watching

pytestmark = pytest.mark.docker


@pytest.fixture
def nginx(docker_client: docker.DockerClient, network: str, tmp_path: Path) -> Iterator[Watch]:
    """A watch that made an Nginx gateway, published on loopback, and has ended: the gateway serves on."""
    with watching(docker_client, network, "nginx", tmp_path / "state") as made:
        made.start("--publish", f"127.0.0.1:{free_port()}:80")
        assert made.stop() == 0
        yield made


def once(watch: Watch, *flags: str, state: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `watch --once` on the network of another watch."""
    return run_proxyctl(
        "watch", "--once", "--network", watch.network, "--state", str(state or watch.state), "--api", "off", *flags
    )


def test_the_first_screen_and_the_last_line(docker_client: docker.DockerClient, network: str, tmp_path: Path) -> None:
    """It says where it serves and what to do next, and what it says works; at the end, what stays and how it goes."""
    state, port = tmp_path / "state", free_port()
    argv = ["watch", "--network", network, "--state", str(state), "--publish", f"127.0.0.1:{port}:80"]
    with watching(docker_client, network, "haproxy", state) as made:
        screen = Screen(sys.executable, "-m", "proxyctl", *argv)
        try:
            eventually(lambda: "Start one, and it joins by itself" in screen.new(), "the first screen")
            assert f"haproxy on network {network} serves at http://127.0.0.1:{port}" in screen.new()
            assert re.search(r"API http://127\.0\.0\.1:\d+ +Ctrl-C ends `watch`", screen.new())
            (begin,) = set(re.findall(r"docker run -d --network \S+ --label \S+ \S+", screen.new()))
            words = shlex.split(begin)
            subprocess.run([*words[:3], "--label", "proxyctl.test=1", *words[3:]], check=True, capture_output=True)
            eventually(lambda: "up" in made.servers().values(), "the container that the screen told to start")
            screen.program.send_signal(signal.SIGINT)
            assert screen.program.wait(20) == 0
            told = f"the gateway serves on at http://127.0.0.1:{port}; `proxyctl down --network {network} --state "
            eventually(lambda: told in screen.new(), "the last line")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                assert answer.status == 200
            command = f"down --network {network} --state {state}"
            assert f"`proxyctl {command}` removes it" in screen.new().replace("- ", "-")
            assert run_here(*command.split()).returncode == 0
            with pytest.raises(docker.errors.NotFound):
                assert made.gateway
        finally:
            screen.close()


def test_the_log_says_what_stays(nginx: Watch) -> None:
    """Where no terminal is: one line with the address and the command."""
    last = nginx.log.read_text().splitlines()[-1]
    port = nginx.gateway.attrs["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"]
    assert 'event="ending, the gateway serves on" signal=SIGTERM' in last
    assert f"at=http://127.0.0.1:{port}" in last
    assert f'remove="proxyctl down --network {nginx.network} --state {nginx.state}"' in last


def test_another_engine_and_other_ports_than_the_gateway_has(nginx: Watch) -> None:
    """Left out, both are taken over; asked for, they are refused, and the first advice is to leave them out."""
    refused = once(nginx, "--engine", "haproxy")
    assert refused.returncode == 1
    assert "runs nginx, and haproxy was asked for: without --engine" in refused.stderr
    ports = once(nginx, "--publish", "127.0.0.1:1:80")
    assert ports.returncode == 1
    assert "and something else was asked for: without --publish" in ports.stderr
    made = nginx.gateway.id
    taken = once(nginx)
    assert taken.returncode == 0, taken.stderr
    assert "engine=nginx" in taken.stderr
    assert nginx.gateway.id == made
    for ran, kept in ((refused, ""), (ports, " --keep-state")):
        assert f"`proxyctl down --network {nginx.network} --state {nginx.state}{kept}`" in ran.stderr
        assert len(ran.stderr.splitlines()[-1]) < 400


def test_another_state_folder_than_the_gateway_has(nginx: Watch, tmp_path: Path) -> None:
    """The right one is named; where it was removed and made anew, a restart of the gateway shows it the new one."""
    other = once(nginx, state=tmp_path / "other")
    assert other.returncode == 1
    right = re.search(r"give --state (\S+)", other.stderr)
    assert right is not None, other.stderr
    assert once(nginx, state=Path(right[1])).returncode == 0
    shutil.rmtree(nginx.state)
    anew = once(nginx)
    assert anew.returncode == 1
    command = f"docker restart proxyctl-{nginx.network}"
    assert f"`{command}`" in anew.stderr
    subprocess.run(command.split(), check=True, capture_output=True)
    again = once(nginx)
    assert again.returncode == 0, again.stderr


def test_where_no_watch_answers_the_command_that_is_meant_is_named(nginx: Watch, tmp_path: Path) -> None:
    """The gateway's own network and state folder, also to somebody who named another network, or none."""
    asked = nginx.ctl("status")
    assert asked.returncode == 1
    command = re.search(r"`proxyctl (watch [^`]*)` takes it over", asked.stderr)
    assert command is not None, asked.stderr
    ran = run_proxyctl(*shlex.split(command[1]), "--once", "--api", "off")
    assert ran.returncode == 0, ran.stderr
    flags = f"{nginx.network} (`--network {nginx.network} --state {nginx.state}`)"
    for wrong in (run_here("status"), run_here("status", "--network", "wbe", "--state", str(tmp_path / "none"))):
        assert wrong.returncode in {1, 2}
        assert flags in wrong.stderr or " more" in wrong.stderr  # three are named, and other tests have theirs
