"""Every golden file passes HAProxy's own check, without a warning, on each version that it was rendered for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docker.box import RunContainer

GOLDEN = Path(__file__).parents[1] / "golden" / "haproxy"

pytestmark = pytest.mark.docker

# HAProxy reads the state file with its configuration; the engine has always written it by then.
STATE = r"mkdir -p /proxyctl/run; printf '1\n# be_id\n' >/proxyctl/run/servers.state; exec sleep 600"


@pytest.mark.parametrize(("version", "written_for"), [("3.2", "3.2"), ("3.0", "3.2"), ("3.0", "2.6"), ("2.6", "2.6")])
def test_golden_files_pass_the_real_check(version: str, written_for: str, run_container: RunContainer) -> None:
    """`haproxy -c` accepts all of them and has no warning."""
    files = sorted(GOLDEN.glob(f"*-{written_for}.cfg"))
    assert files
    box = run_container(
        f"proxyctl/haproxy:{version}",
        entrypoint=["sh", "-c", STATE],
        network_mode="none",
        volumes={str(GOLDEN): {"bind": "/golden", "mode": "ro"}},
    )
    said = {f.name: box.exec_run(["haproxy", "-c", "-f", f"/golden/{f.name}"]) for f in files}
    silent = {b"", b"Configuration file is valid\n"}
    assert {n: (r.exit_code, r.output) for n, r in said.items() if r.exit_code or r.output not in silent} == {}
