"""Rendering: the files, the hashes that name them, and faulty templates."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from proxyctl.core.model import ConfigFiles, Desired, Features, Listener, Pool, Route, Tuning
from proxyctl.engines.render import render
from proxyctl.errors import TemplateError
from tests.core.states import A, B
from tests.core.worlds import HAPROXY

TEMPLATES = {
    "proxy.cfg.j2": "# {{ revision }} {{ topology }}\n"
    "{% for p in pools %}\n{% include '_pool.cfg.j2' %}\n{% endfor %}\n",
    "_pool.cfg.j2": "pool {{ p.name }} {{ p.drain_ms | seconds }}\n"
    "{% for s in p.servers %}\nserver {{ s.name }} {{ s.weight }}\n{% endfor %}\n",
    "more.cfg.j2": "{{ token }} {{ keepalive_ms }} {{ version }} {{ listeners | length }}\n",
}
STATE = Desired((Listener(80, routes=(Route("", "/", "web"),)),), (Pool("web", servers=(A, B)),))


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """What these templates print."""

    listeners: tuple[Listener, ...]
    pools: tuple[Pool, ...]
    version: str
    keepalive_ms: int
    token: str


def printer(desired: Desired, *, features: Features, tuning: Tuning, token: str) -> Form:
    """Return the state as it is."""
    return Form(desired.listeners, desired.pools, features.version_text, tuning.keepalive_ms, token)


def rendered(state: Desired, templates: Mapping[str, str] = TEMPLATES) -> ConfigFiles:
    """Render with the defaults."""
    return render(state, printer=printer, features=HAPROXY, tuning=Tuning(), templates=templates, token="secret")


def test_the_files() -> None:
    """Each template but those that start with `_` becomes a file, without lines of the template's own."""
    made = rendered(STATE)
    assert made.files == (
        ("more.cfg", "secret 10000 3.2.26 1\n"),
        ("proxy.cfg", f"# {made.revision} {made.topology}\npool web 30000ms\nserver a 1\nserver b 1\n"),
    )


def test_the_revision_names_the_text() -> None:
    """The same state has the same revision; a server's change moves the revision and not the topology."""
    made = rendered(STATE)
    assert rendered(Desired(STATE.listeners, STATE.pools)) == made
    fewer = rendered(Desired(STATE.listeners, (Pool("web", servers=(A,)),)))
    assert fewer.revision != made.revision
    assert fewer.topology == made.topology
    other = rendered(Desired(STATE.listeners, (Pool("web", drain_ms=1, servers=(A, B)),)))
    assert other.topology != made.topology
    edited = rendered(STATE, TEMPLATES | {"more.cfg.j2": "x"})
    assert edited.topology != made.topology


FAULTS = [
    ({"proxy.cfg.j2": "a\n{% if %}\n"}, "template proxy.cfg.j2, line 2: Expected an expression"),
    ({"proxy.cfg.j2": "a\nb\n{{ nobody }}\n"}, "template proxy.cfg.j2, line 3: 'nobody' is undefined"),
    ({"proxy.cfg.j2": "{{ 1 / 0 }}"}, "template proxy.cfg.j2, line 1: division by zero"),
    ({"proxy.cfg.j2": "\n{{ 1 + 'x' }}"}, "template proxy.cfg.j2, line 2: unsupported operand"),
    ({"proxy.cfg.j2": "\n{% include '_none.j2' %}"}, "template proxy.cfg.j2, line 2: _none.j2"),
    ({"_pool.cfg.j2": "\n\n\n{{ p.colour }}"}, "template _pool.cfg.j2, line 4: "),
    ({"_pool.cfg.j2": "{% for %}"}, "template _pool.cfg.j2, line 1: "),
    ({"more.cfg.j2": "{{ 'x' | nofilter }}"}, "template more.cfg.j2, line 1: No filter named 'nofilter'"),
]


@pytest.mark.parametrize(("templates", "message"), FAULTS)
def test_a_faulty_template_is_named_with_its_line(templates: dict[str, str], message: str) -> None:
    """Whatever an operator's template does wrong, the error says in which file and line, and what."""
    with pytest.raises(TemplateError) as caught:
        rendered(STATE, TEMPLATES | templates)
    assert message in str(caught.value)
