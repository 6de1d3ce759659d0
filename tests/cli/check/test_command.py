"""`proxyctl check`, from its command line to its table, its JSON and its errors."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from proxyctl.check.load.sample import Sample
from proxyctl.check.measures.tally import Tally
from proxyctl.cli.check import command as module
from proxyctl.cli.check import view
from proxyctl.core.status import Event, Status
from proxyctl.errors import ProxyctlError, ThresholdFailed, UsageError
from tests import statuses
from tests.backend.backends import EchoProcess, echo_process
from tests.check.crooked import Proxy
from tests.check.proxies import TOKEN, balancing, in_thread
from tests.providers.docker.fake_engine import UNCLOSED, collect_unclosed


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoProcess]:
    """Run a server in a process of its own."""
    with echo_process("--name", "web1") as running:
        yield running


def run(*argv: str) -> Result:
    """Run the verb; what it raised is in the result."""
    return CliRunner().invoke(module.app, list(argv))


def failure(*argv: str) -> ProxyctlError:
    """Return the error that the verb ended with."""
    error = run(*argv).exception
    assert isinstance(error, ProxyctlError), error
    return error


def gateway(folder: Path) -> Path:
    """Make a state folder as `watch` leaves it."""
    folder.mkdir(parents=True)
    (folder / "check.token").write_text(TOKEN + "\n")
    (folder / "control.sock").touch()
    return folder


def status(**weights: int) -> Status:
    """Return the status of a watch with one pool."""
    return statuses.status(statuses.pool("web", *(statuses.server(n, w) for n, w in weights.items())))


def test_table(echo: EchoProcess) -> None:
    """The table shows servers, latency and verdicts in 80 columns."""
    result = run(
        echo.url(), "--requests", "50", "--server-from", "header:X-Served-By", "--expect-weights", "web1=1,web2=0"
    )
    assert result.exception is None
    assert max(map(len, result.output.splitlines())) <= 80
    assert "50 requests in " in result.output
    assert ["web1", "50", "100.0%", "100.0%", "0"] in [line.split()[:5] for line in result.output.splitlines()]
    assert ["web2", "0", "0.0%", "0.0%", "0", "-", "-"] in [line.split() for line in result.output.splitlines()]
    assert "latency in ms: p50 " in result.output
    assert "✔  errors   0  expected == 0" in result.output
    assert "✔  balance  1  expected p > 1e-4" in result.output


def test_json(echo: EchoProcess) -> None:
    """With --json stdout is the report and nothing else."""
    result = run(echo.url(), "--requests", "5", "--json")
    report = json.loads(result.stdout)
    assert (report["requests"], report["ok"], report["url"]) == (5, 5, echo.url())


def test_token_and_weights_of_the_gateway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The gateway's token names the servers, and its status says what is expected of them."""
    folder = gateway(tmp_path / "state")
    asked: list[Path] = []

    def ask(state: Path) -> Status:
        asked.append(state)
        return status(web1=2, web2=1)

    monkeypatch.setattr("proxyctl.api.client.status", ask)
    with in_thread(balancing("web1", "web2", "web1")) as proxy:
        result = run(proxy.url(), "--requests", "300", "--json", "--state", str(folder))
    report = json.loads(result.stdout)
    shown = {n: (s["requests"], s["share"], s["expected"]) for n, s in report["servers"].items()}
    assert shown == {"web1": (200, 0.6667, 0.6667), "web2": (100, 0.3333, 0.3333)}
    assert [verdict["name"] for verdict in report["verdicts"]] == ["errors", "balance"]
    assert report["verdicts"][1]["detail"].endswith("by the weights of pool web")
    assert set(asked) == {folder}


def test_only_gateway_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without --network the only gateway of this machine is meant; where there are two, none is."""
    gateway(tmp_path / "var" / "one")
    monkeypatch.setattr("proxyctl.api.client.status", lambda state: status(web1=1))
    with in_thread(balancing("web1")) as proxy:
        assert json.loads(run(proxy.url(), "-r", "5", "--json").stdout)["servers"]["web1"]["expected"] == 1.0
        gateway(tmp_path / "var" / "two")
        assert json.loads(run(proxy.url(), "-r", "5", "--json").stdout)["servers"] == {}
        one = json.loads(run(proxy.url(), "-r", "5", "--json", "--network", "one").stdout)
        assert one["servers"]["web1"]["requests"] == 5


def test_change_during_the_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When the pool changed while requests were sent, the balance is not judged."""
    gateway(tmp_path / "var" / "one")
    answers = iter([status(web1=1), status(web1=1, web2=1)])
    monkeypatch.setattr("proxyctl.api.client.status", lambda state: next(answers))
    with in_thread(balancing("web1")) as proxy:
        report = json.loads(run(proxy.url(), "-r", "100", "--json").stdout)
    assert report["notes"] == ["balance not judged: the pool changed during the check"]


def test_events_of_the_gateway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Failures are told with what `watch` did within a second of them."""
    gateway(tmp_path / "var" / "one")

    def journal(state: Path) -> tuple[Event, ...]:
        """Return the events when the load is over, so that one of them is near it on a busy machine, too."""
        return Event(1.0, "join", "long ago", 1), Event(time.time(), "leave", "web2 left", 2)

    monkeypatch.setattr("proxyctl.api.client.status", lambda state: status(web1=1))
    monkeypatch.setattr("proxyctl.api.client.events", journal)
    shown = run("http://127.0.0.1:1/", "-r", "5").output
    document = json.loads(run("http://127.0.0.1:1/", "-r", "5", "--json").stdout)
    assert "  5 within 1 s of leave at " in shown
    assert "web2 left" in shown
    assert [event["text"] for event in document["events"]] == ["web2 left"]
    assert [failure["events"] for failure in document["failures"]] == [[0]] * 5


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Docker is asked and does not answer."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    yield
    collect_unclosed()


@pytest.mark.filterwarnings(UNCLOSED)
@pytest.mark.usefixtures("no_docker")
@pytest.mark.parametrize(
    ("address", "argv", "sent"),
    [
        ("127.0.0.1", [], True),
        ("203.0.113.9", [], False),
        ("203.0.113.9", ["--network", "one"], True),
    ],
)
def test_a_stranger_is_not_told_the_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str, argv: list[str], sent: bool
) -> None:
    """Without a word of which gateway is meant, the secret stays on this machine; with it, it is sent anywhere."""
    gateway(tmp_path / "var" / "one")
    with in_thread(balancing("web1")) as proxy:
        real = socket.getaddrinfo

        def resolved(host: Any, *rest: Any, **more: Any) -> Any:
            """Say that localhost is elsewhere to who asks before the check; the load goes to this machine."""
            return real(address if host == "localhost" and rest[0] is None else host, *rest, **more)

        monkeypatch.setattr("socket.getaddrinfo", resolved)
        url = proxy.url().replace("127.0.0.1", "localhost")
        result = run(url, "-r", "5", "--json", *argv)
    assert ("web1" in json.loads(result.stdout)["servers"]) == sent
    withheld = "proxyctl: localhost is neither this machine nor a gateway on it, so it is not told the check secret"
    assert (withheld in result.stderr) == (not sent)


def test_token_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """PROXYCTL_CHECK_TOKEN names the servers where no state folder can be read."""
    monkeypatch.setenv("PROXYCTL_CHECK_TOKEN", TOKEN)
    with in_thread(balancing("web1")) as proxy:
        report = json.loads(run(proxy.url(), "-r", "5", "--json").stdout)
    assert report["servers"]["web1"]["requests"] == 5


def test_what_is_sent(echo: EchoProcess, tmp_path: Path) -> None:
    """Host, headers, method and body are sent as the options say; a body alone makes it a POST."""
    body = tmp_path / "body"
    body.write_bytes(b"from a file")
    with in_thread(balancing("web1")) as proxy:
        run(
            proxy.url(),
            "-r",
            "1",
            "--host",
            "shop.example",
            "-H",
            "X-One: 1",
            "-H",
            "X-Two:2",
            "-X",
            "PUT",
            "--no-keepalive",
        )
        run(proxy.url(), "-r", "1", "--data", f"@{body}")
    first, second = (head.split("\r\n") for head in proxy.heads[:2])
    assert first[0] == "PUT / HTTP/1.1"
    assert {"Host: shop.example", "X-One: 1", "X-Two: 2", "Connection: close"} <= set(first)
    assert second[0] == "POST / HTTP/1.1"
    assert "Content-Length: 11" in second


def test_several_urls_and_keys() -> None:
    """Each URL is asked by its share, with keys in it, by several processes."""
    with in_thread(Proxy({"web1": 1, "web2": 1}, "uri").behave) as proxy:
        argv = [proxy.url("/a"), proxy.url("/b"), "--share", "3,1", "-r", "400", "--keys", "50", "--workers", "2"]
        result = run(*argv, "--server-from", "header:X-Served-By", "--json")
        shown = run(*argv, "--server-from", "header:X-Served-By")
    document = json.loads(result.stdout)
    assert [(url["url"], url["requests"]) for url in document["urls"]] == [
        (proxy.url("/a"), 300),
        (proxy.url("/b"), 100),
    ]
    assert f"{proxy.url('/a')}: 300 requests, 0 errors" in shown.output.replace("\n", "")
    assert len(document["keys"]) == 50


def test_expected_balance() -> None:
    """The user can say by which algorithm a foreign proxy balances, and how many of its processes count alone."""
    with in_thread(Proxy({"web1": 1, "web2": 1}).behave) as proxy:
        argv = [proxy.url(), "-r", "300", "--server-from", "header:X-Served-By", "--expect-weights", "web1=1,web2=1"]
        exact = run(*argv, "--proxy-workers", "1", "--json")
        wrong = run(*argv, "--expect-balance", "uri", "--json")
    assert (
        next(v for v in json.loads(exact.stdout)["verdicts"] if v["name"] == "balance")["expected"] == "within 1 cycle"
    )
    assert isinstance(wrong.exception, ThresholdFailed)
    assert "consistent is 1, expected == 0" in str(wrong.exception)


def test_headers(echo: EchoProcess) -> None:
    """Headers are judged on what the server received; a server that does not tell is `unknown` to who asked."""
    direct = run(echo.url(), "-r", "5", "--check-headers")
    assert isinstance(direct.exception, ThresholdFailed)  # nobody sets them, and everybody is believed
    assert "a spoofed X-Forwarded-For is believed" in str(direct.exception)
    with in_thread(balancing("web1")) as proxy:
        silent = run(proxy.url(), "-r", "5", "--check-headers")
    assert "headers is unknown" in str(silent.exception)


def test_http_1_0(echo: EchoProcess) -> None:
    """HTTP/1.0 is sent where it is asked for."""
    with in_thread(balancing("web1")) as proxy:
        run(proxy.url(), "-r", "1", "--http-version", "1.0")
    assert proxy.heads[0].startswith("GET / HTTP/1.0\r\n")


def test_failed_threshold(echo: EchoProcess) -> None:
    """A threshold that does not hold ends with 99, after the table, with a line that says which and by how much."""
    result = run(echo.url(), "-r", "10", "--expect", "requests>=20", "--expect", "errors==0")
    assert isinstance(result.exception, ThresholdFailed)
    assert result.exception.exit_code == 99
    assert str(result.exception) == "requests is 10, expected >= 20 (off by 10)"
    assert "✘  requests  10  expected >= 20: off by 10" in result.output


def test_errors_fail(echo: EchoProcess) -> None:
    """Errors fail the check without being asked for, and are listed by kind with the time of the first."""
    result = run(echo.url("/status/503"), "-r", "5")
    assert isinstance(result.exception, ThresholdFailed)
    assert "http_503: 5, the first at 0.0" in result.output
    assert "latency: no good request" in result.output


def test_nothing_listens() -> None:
    """Where nothing listens every request is counted as refused, and the line says so."""
    error = failure("http://127.0.0.1:1/", "-r", "5")
    assert (str(error), error.exit_code) == ("nothing answers at http://127.0.0.1:1/: all 5 requests were refused", 99)


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["localhost:8080"], "the URL 'localhost:8080' is not like http://host:port/path"),
        (["ftp://a/"], "the URL 'ftp://a/' is not like"),
        (["http://a/", "-H", "abc"], "--header: 'abc' is not like 'Name: value'"),
        (["http://a/", "-H", "a b: c"], "is not a header"),
        (["http://a/", "--host", "a\nb"], "is not a header"),
        (["http://a/", "-X", "G,T"], "is not an HTTP method"),
        (["http://a/", "-d", "10"], '--duration: "10" is not accepted: a time such as 250ms'),
        (["http://a/", "--timeout", "0s"], "--timeout: "),
        (["http://a/", "--data", "@/nowhere"], "--data: /nowhere: there is no such file"),
        (["http://a/", "--expect", "p99"], "--expect: the threshold 'p99' is not like"),
        (["http://a/", "--expect-weights", "web1"], "--expect-weights: the weights 'web1' are not like"),
        (["http://a/", "--server-from", "body"], "--server-from: 'body' is not like header:X-Served-By"),
        (["http://a/", "--network", "a/b"], "network"),
        (["http://a/", "--share", "1,x"], "--share: '1,x' is not like 3,1"),
        (["http://a/", "--share", "1,2"], "there are 1 URLs and 2 shares"),
        (["http://a/", "--http-version", "2"], "HTTP 2 is not spoken here; 1.1 and 1.0 are"),
        (["http://a/", "--key-by", "path", "--keys", "3"], "--key-by: 'path' is none of uri"),
        (["http://a/", "--key-by", "uri"], "--key-by uri needs --keys N"),
        (["http://a/", "--expect-balance", "fair"], "--expect-balance: 'fair' is none of roundrobin, leastconn"),
        (["https://a/", "--cacert", "/nowhere"], "the certificates in /nowhere cannot be read"),
    ],
)  # fmt: skip
def test_usage_errors(argv: list[str], reason: str) -> None:
    """Whatever cannot be meant that way is one line that names it, before anything is sent."""
    error = failure(*argv)
    assert isinstance(error, UsageError)
    assert reason in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_interrupt(workers: str) -> None:
    """Ctrl-C ends early with the report of what was done, by all processes."""
    code = "from proxyctl.cli.check.command import app; app()"
    with in_thread(balancing("web1")) as proxy:
        command = [sys.executable, "-c", code, proxy.url(), "--duration", "1h", "--rate", "50", "--json"]
        command += ["--workers", workers]
        with subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            deadline = time.monotonic() + 20
            while len(proxy.heads) < 20:
                assert time.monotonic() < deadline, "20 requests did not come within 20 s"
                assert process.poll() is None
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    document = json.loads(out)
    assert document["requests"] == len(proxy.heads)
    assert document["notes"][0].startswith(f"interrupted after {len(proxy.heads)} requests: ")


def test_live_view() -> None:
    """On a terminal the bars show how far it is, how fast, and who served; the table takes their place."""
    tally = Tally()
    for number in range(30):
        tally.add(Sample(0.0, 0.001, server=f"web{number % 20}"))
    tally.add(Sample(0.0, 0.001, "reset"))
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(view.live(tally.progress(), 0.5))
    shown = console.export_text()
    assert "50%" in shown
    assert "31 requests" in shown
    assert "1 error" in shown
    assert "web0" in shown
    assert "and 4 more" in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "✔"), ("ascii", "ok")])
def test_terminal(echo: EchoProcess, encoding: str, mark: str) -> None:
    """On a real terminal the live view comes first, the table after it, in characters that it can show."""
    code = "from proxyctl.cli.check.command import app; app()"
    main, side = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": encoding, "COLUMNS": "80"}
    command = [sys.executable, "-c", code, echo.url(), "-d", "500ms", "--rate", "50"]
    command += ["--server-from", "header:X-Served-By"]
    with subprocess.Popen(command, stdout=side, stderr=side, env=environ) as process:
        os.close(side)
        seen = b""
        while True:
            try:
                block = os.read(main, 65536)
            except OSError:  # the terminal's other side is closed
                break
            seen += block
    os.close(main)
    assert process.returncode == 0, seen
    text = seen.decode()
    assert "% " in text
    assert "25 requests in 0." in text
    assert f"{mark}\x1b[0m  errors" in text
