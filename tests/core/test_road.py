"""`proxyctl.core.road`: a question that gives nothing away."""

from __future__ import annotations

from proxyctl.core import road


def test_neither_question_nor_answer_tells_the_secret_or_the_other() -> None:
    """Whoever listens on a gateway's port in its place is asked as well."""
    words = {road.question("secret"), road.answer("secret"), road.question("other"), road.answer("other")}
    assert len(words) == 4
    assert not any("secret" in word for word in words)
