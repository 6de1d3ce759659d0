"""Every golden file passes nginx's own check, silently, on each version that it was rendered for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docker.box import RunContainer

GOLDEN = Path(__file__).parents[1] / "golden" / "nginx"

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(("version", "written_for"), [("1.30", "1.30"), ("1.26", "1.22"), ("1.22", "1.22")])
def test_golden_files_pass_the_real_check(version: str, written_for: str, run_container: RunContainer) -> None:
    """`nginx -t` accepts all of them and says nothing, no warning either."""
    files = sorted(GOLDEN.glob(f"*-{written_for}.conf"))
    assert files
    box = run_container(
        f"proxyctl/nginx:{version}",
        entrypoint=["sh", "-c", "mkdir -p /proxyctl/run; exec sleep 600"],
        network_mode="none",
        volumes={str(GOLDEN): {"bind": "/golden", "mode": "ro"}},
    )
    said = {f.name: box.exec_run(["nginx", "-t", "-q", "-c", f"/golden/{f.name}"]) for f in files}
    assert {name: (ran.exit_code, ran.output) for name, ran in said.items() if ran != (0, b"")} == {}
