"""`make demo`: the main job on real containers, in under a minute, with figures that were measured while you watched.

Makes a network, starts `proxyctl watch`, starts labelled containers and times each one's join, sends checked load
while a fourth joins and another is stopped, and takes everything away again (unless --keep).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import aiohttp
import docker
import docker.errors
from rich.console import Console

from proxyctl.api import client as control
from proxyctl.check import run as check
from proxyctl.cli.check import view
from proxyctl.core import layout

LABEL = "proxyctl.demo"
BACKEND = "proxyctl/echo:latest"
JOIN_WITHIN = 15.0
console = Console(emoji=False, highlight=False, soft_wrap=True)


class Demo:
    """One run; everything that it makes carries LABEL."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.network = f"demo-{engine}"
        self.client = docker.from_env()
        self.state = Path(tempfile.mkdtemp(prefix="proxyctl-demo-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.watch: subprocess.Popen[bytes] | None = None
        self.started: dict[str, float] = {}

    def clean(self) -> None:
        """Remove what this or an earlier run made, by label."""
        if self.watch is not None and self.watch.poll() is None:
            self.watch.terminate()
            self.watch.wait(15)
        for container in self.client.containers.list(all=True, filters={"label": f"{LABEL}={self.engine}"}):
            with contextlib.suppress(docker.errors.NotFound):
                container.remove(force=True)
        with contextlib.suppress(docker.errors.NotFound):
            self.client.containers.get(layout.gateway_name(self.network)).remove(force=True)
        for network in self.client.networks.list(filters={"label": f"{LABEL}={self.engine}"}):
            network.remove()
        shutil.rmtree(self.state, ignore_errors=True)

    def start_watch(self) -> None:
        """Start the daemon as a user would, its log in the state folder."""
        argv = [sys.executable, "-m", "proxyctl", "watch", "--network", self.network, "--engine", self.engine]
        argv += ["--publish", f"127.0.0.1:{self.port}:80", "--state", str(self.state), "--api", "off"]
        self.state.mkdir(exist_ok=True)
        console.print("$ proxyctl " + " ".join(argv[3:10]), style="bold")
        log = (self.state / "watch.log").open("wb")
        self.watch = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 20
        while (status := control.status_if_running(self.state)) is None or status.revision is None:
            if self.watch.poll() is not None or time.monotonic() > deadline:
                sys.exit("watch did not come up:\n" + (self.state / "watch.log").read_text()[-2000:])
            time.sleep(0.05)

    def follow_starts(self) -> None:
        """Note when Docker says that a container started, from its own event stream."""

        def read() -> None:
            filters = {"type": "container", "event": "start", "label": f"{LABEL}={self.engine}"}
            for event in self.client.events(decode=True, filters=filters):
                self.started[event["Actor"]["Attributes"]["name"]] = event["timeNano"] / 1e9

        threading.Thread(target=read, daemon=True).start()

    def run_web(self, name: str) -> None:
        """Start one labelled web container."""
        self.client.containers.run(
            BACKEND,
            name=f"{self.network}-{name}",
            detach=True,
            network=self.network,
            labels={"proxyctl.enable": "true", "proxyctl.pool": "web", LABEL: self.engine},
        )

    async def join(self, name: str, token: str) -> str:
        """Start a container while asking the proxy all the time; say when it first answered."""
        full = f"{self.network}-{name}"
        starting = asyncio.create_task(asyncio.to_thread(self.run_web, name))
        deadline = time.monotonic() + JOIN_WITHIN
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < deadline:
                async with session.get(self.url, headers={layout.CHECK_HEADER: token}) as answer:
                    await answer.read()
                    if answer.headers.get(layout.SERVER_HEADER) == full:
                        served = time.time()
                        await starting
                        return self.joined(name, served - self.started[full])
                await asyncio.sleep(0.001)
        sys.exit(f"{name} did not join within {JOIN_WITHIN:.0f} s:\n" + (self.state / "watch.log").read_text()[-2000:])

    def joined(self, name: str, seconds: float) -> str:
        """Say how long a join took, and how much of it the server needed to listen, by its own first line."""
        full = f"{self.network}-{name}"
        line = self.client.containers.get(full).logs(timestamps=True, tail=1).decode()
        listening = dt.datetime.fromisoformat(line[:26]).replace(tzinfo=dt.UTC).timestamp()
        own = (listening - self.started[full]) * 1000
        return f"  {name} served {seconds * 1000:.0f} ms after Docker's start event; it listened after {own:.0f} ms"

    async def play(self) -> bool:
        """Show it all; return whether no request failed, and the balance was judged and good."""
        labels = {LABEL: self.engine}
        self.client.networks.create(self.network, driver="bridge", labels=labels)
        console.print(f"$ docker network create {self.network}", style="bold")
        self.start_watch()
        status = control.status(self.state)
        console.print(
            f"  {self.engine} {status.version} runs as {layout.gateway_name(self.network)}, published at {self.url}\n"
        )
        self.follow_starts()
        token = (self.state / "check.token").read_text().strip()
        console.print("$ docker run -d --label proxyctl.enable=true ...   (three times)", style="bold")
        for name in ("web1", "web2", "web3"):
            console.print(await self.join(name, token))

        console.print("\n$ proxyctl check " + self.url + "   while web4 joins and web1 is stopped", style="bold")
        ended = asyncio.Event()
        checking = asyncio.create_task(
            check.run(self.url, duration=30.0, concurrency=4, rate=300, token=token, stop=ended)
        )
        await asyncio.sleep(1)
        console.print(await self.join("web4", token))
        await asyncio.sleep(1)
        begun = time.monotonic()
        await asyncio.to_thread(self.client.containers.get(f"{self.network}-web1").stop)
        console.print(f"  web1 was drained, stopped in {time.monotonic() - begun:.1f} s and removed (docker rm)")
        await asyncio.to_thread(self.client.containers.get(f"{self.network}-web1").remove)
        await asyncio.sleep(1)
        ended.set()
        report = await checking
        console.print()
        console.print(view.final(report))
        return report.failed == 0 and await asyncio.to_thread(self.balanced)

    def balanced(self) -> bool:
        """Check the pool once more, now that it stays as it is; return whether all verdicts are good."""
        argv = ["check", self.url, "--duration", "3s"]
        console.print("\n$ proxyctl " + " ".join(argv) + "   of those that are there now", style="bold")
        argv += ["--network", self.network, "--state", str(self.state)]
        ran = subprocess.run([sys.executable, "-m", "proxyctl", *argv], capture_output=True, text=True, check=False)
        console.print(ran.stdout + ran.stderr, markup=False, end="")
        return ran.returncode == 0 and "balance not judged" not in ran.stdout


def free_port() -> int:
    """Return a TCP port on loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["haproxy", "nginx"], default="haproxy")
    parser.add_argument("--keep", action="store_true", help="leave everything running and print the URLs")
    args = parser.parse_args()
    demo = Demo(args.engine)
    demo.clean()
    begun = time.monotonic()
    keep = False
    try:
        good = asyncio.run(demo.play())
        keep = args.keep
    except KeyboardInterrupt:
        console.print("\ninterrupted")
        return 130
    finally:
        if keep and demo.watch is not None:
            console.print(f"\nleft running: {demo.url}   (ends with: kill {demo.watch.pid} && make clean)")
            console.print(f"proxyctl status --network {demo.network} --state {demo.state}")
        else:
            demo.clean()
    told = "no request failed, and the balance is good" if good else "NOT AS IT SHOULD BE"
    left = "" if keep else "; nothing is left behind"
    console.print(f"\n{told}; {time.monotonic() - begun:.0f} s in all{left}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
