"""`proxyctl.core.decide.readiness`: whose name is asked for, and what its answer makes of the server's."""

from __future__ import annotations

import pytest

from proxyctl.core import codes
from proxyctl.core.decide.readiness import merged, undecided, unproven
from proxyctl.core.model import Desired, Finding, Pool, Server, Target

WEB = Target("id-web", "web", "10.0.0.1", 80)
API = Target("id-api", "api", "10.0.0.2", 80)
OK, WAITS, LATE = Finding(ok=True), Finding(ok=False, reason="refused"), Finding(ok=False, reason="refused", late=True)
NOT_FOUND = Finding(ok=False, reason="NXDOMAIN", late=True, code=codes.NO_NAME)


@pytest.mark.parametrize(("address", "expected"), [("10.0.0.1", (API,)), ("10.0.0.9", (WEB, API))])
def test_who_serves_at_its_address_has_proved_its_name(address: str, expected: tuple[Target, ...]) -> None:
    """Nobody asks for it again, unless it has moved."""
    previous = Desired(pools=(Pool("web", servers=(Server("web", "id-web", address, 80),)),))
    assert unproven((WEB, API), previous) == expected


@pytest.mark.parametrize(
    ("answers", "names", "expected"),
    [
        ({WEB: OK}, {}, {WEB: OK}),
        ({WEB: OK}, {WEB: ""}, {WEB: OK}),
        ({WEB: WAITS}, {WEB: ""}, {WEB: WAITS}),
        ({}, {WEB: ""}, {}),
        ({WEB: OK}, {WEB: "NXDOMAIN"}, {WEB: NOT_FOUND}),
        ({}, {WEB: "NXDOMAIN"}, {WEB: NOT_FOUND}),
        ({WEB: OK}, {WEB: None}, {WEB: Finding(ok=False, reason="Docker's DNS has not said yet where web is")}),
        ({WEB: OK, API: OK}, {API: "NXDOMAIN"}, {WEB: OK, API: NOT_FOUND}),
    ],
)
def test_an_answer_counts_once_the_name_does(
    answers: dict[Target, Finding], names: dict[Target, str | None], expected: dict[Target, Finding]
) -> None:
    """A name that is wrong or not known yet keeps out whoever answers at its address."""
    assert merged(answers, names) == expected


@pytest.mark.parametrize(
    ("found", "expected"), [({}, True), ({WEB: WAITS}, True), ({WEB: LATE}, False), ({WEB: OK}, False)]
)
def test_who_may_still_be_ready_in_a_moment(found: dict[Target, Finding], expected: bool) -> None:
    """Neither who is ready nor who is a problem already."""
    assert undecided((WEB,), found) is expected
