"""What `proxyctl.engines.nginx.engine` makes of `nginx -V`, `nginx -t` and of an image without nginx."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from proxyctl.core.model import ConfigFiles, Desired
from proxyctl.core.plan import diff
from proxyctl.engines.nginx.engine import Nginx
from proxyctl.errors import ConfigRefused, GatewayError, RuntimeRefused
from proxyctl.providers.port import Ran

LIMITS = (
    "Max processes  100  100  processes\nMax open files            20000                40000                files\n"
)
NO_FILES = ConfigFiles((), "", "")


class Scripted:
    """A gateway whose commands answer as written down, by their first word."""

    ended = False

    def __init__(self, **answers: Ran) -> None:
        self.answers = {"cat": Ran(0, LIMITS), **answers}
        self.ran: list[tuple[str, ...]] = []

    async def run(self, argv: Sequence[str]) -> Ran:
        """Answer as written down."""
        self.ran.append(tuple(argv))
        return self.answers[argv[0]]

    async def signal(self, name: str) -> None:
        """Fail: nothing here signals."""
        raise AssertionError(name)

    async def logs(self, lines: int) -> str:
        """Return nothing."""
        return ""


def built(version: str, options: str) -> Ran:
    """Return what `nginx -V` prints."""
    return Ran(0, f"nginx version: {version}\nbuilt with OpenSSL 3.5.7\nconfigure arguments: {options}\n")


def engine(**answers: Ran) -> tuple[Nginx, Scripted]:
    """Return an engine on a scripted gateway."""
    gateway = Scripted(**answers)
    return Nginx(gateway, Path("/nowhere")), gateway


@pytest.mark.parametrize(
    ("options", "there", "module"),
    [
        ("--prefix=/etc/nginx --with-stream --with-stream_ssl_module", True, "static"),
        ("--with-stream_ssl_module --with-stream=dynamic --modules-path=/m", True, "/m/ngx_stream_module.so"),
        ("--prefix=/opt/n --with-stream=dynamic", True, "/opt/n/modules/ngx_stream_module.so"),
        ("--with-stream=dynamic", True, "/usr/local/nginx/modules/ngx_stream_module.so"),
        ("--with-stream=dynamic --modules-path=/m", False, ""),
        ("--with-http_ssl_module --with-stream_ssl_module", True, ""),
        ("--with-cc-opt='-g -O2 -fPIC' --with-stream", True, "static"),
    ],
)
async def test_stream_module(options: str, there: bool, module: str) -> None:
    """The stream module is built in, or a file that exists, or missing."""
    made, _ = engine(nginx=built("nginx/1.26.3", options), test=Ran(0 if there else 1, ""))
    assert (await made.features()).stream_module == module


@pytest.mark.parametrize(
    ("text", "version"),
    [("nginx/1.30.6", (1, 30, 6)), ("openresty/1.25.3.1", (1, 25, 3, 1)), ("nginx/1.22.1 (Ubuntu)", (1, 22, 1))],
)
async def test_version(text: str, version: tuple[int, ...]) -> None:
    """The version is the binary's own."""
    made, _ = engine(nginx=built(text, ""))
    assert (await made.features()).version == version


async def test_maxconn_is_half_of_the_file_limit() -> None:
    """A proxied connection takes two descriptors, and some are needed beside them."""
    made, _ = engine(nginx=built("nginx/1.30.6", ""))
    assert (await made.features()).maxconn == (20000 - 100) // 2


@pytest.mark.parametrize("ran", [Ran(127, "nsenter: failed to execute nginx: No such file"), Ran(0, "hello")])
async def test_an_image_without_nginx(ran: Ran) -> None:
    """An image without nginx is an error that says so, with what was answered."""
    made, _ = engine(nginx=ran)
    with pytest.raises(GatewayError, match=f"has no nginx that runs: {ran.output}"):
        await made.features()


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (
            'nginx: [emerg] unknown directive "oops" in /proxyctl/generations/3-ab/nginx.conf:12\nnginx: test failed',
            '[emerg] unknown directive "oops" in nginx.conf:12',
        ),
        ("2026/11/23 23:27:59 [emerg] 1#1: bind() to 10.9.9.9:80 failed\n", "[emerg] bind() to 10.9.9.9:80 failed"),
        ("OCI runtime exec failed", "OCI runtime exec failed"),
        ("", "nginx -t ended with 1"),
    ],
)
async def test_a_refused_configuration_is_told_in_nginx_words(output: str, line: str) -> None:
    """The reason is nginx's own line, without path, time and pid."""
    made, _ = engine(nginx=Ran(1, output))
    with pytest.raises(ConfigRefused) as refused:
        await made.check("/proxyctl/generations/3-ab", NO_FILES)
    assert str(refused.value) == line


async def test_nothing_goes_at_run_time() -> None:
    """Every change is refused, so that it becomes a reload; there are no counts; nobody answers here."""
    made, _ = engine()
    with pytest.raises(RuntimeRefused):
        await made.change(diff(Desired(), Desired()), NO_FILES)
    assert await made.counts() == ()
    assert await made.running() is None
