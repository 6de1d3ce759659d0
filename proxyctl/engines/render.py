"""From `Desired` by an engine's printed form to configuration text, with the hashes that name the result.

The one place that runs Jinja. `core.labels` has typed and checked every value that a template prints, so the text of a
label cannot become directives. Next: `reconcile.apply`, which has the proxy check and load the files.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import traceback
from collections.abc import Callable, Mapping

import jinja2

from proxyctl.core.model import ConfigFiles, Desired, Features, Tuning
from proxyctl.engines.port import Printer
from proxyctl.errors import TemplateError


def render(
    desired: Desired,
    *,
    printer: Printer,
    features: Features,
    tuning: Tuning,
    templates: Mapping[str, str],
    token: str,
) -> ConfigFiles:
    """Render every template that does not start with `_` and return the files, named by their hash.

    `printer` is the engine's own; the fields of its value are the templates' variables, beside `revision` and
    `topology`. `templates` maps file names (`haproxy.cfg.j2`, `_pool.cfg.j2`) to their text; `token` is the secret
    that `check` sends. Raise TemplateError with file and line.
    """
    print_files = _Rendering(printer, tuple(sorted(templates.items())), features, tuning, token)
    bare = Desired(desired.listeners, tuple(dataclasses.replace(p, servers=()) for p in desired.pools))
    try:
        topology = _topology(print_files, bare)
        draft = tuple((name, text.replace(_TOPOLOGY, topology)) for name, text in print_files(desired))
    except jinja2.TemplateSyntaxError as exc:
        raise TemplateError(f"template {exc.name}, line {exc.lineno}: {exc.message}") from exc
    except Exception as exc:  # an operator's template can raise any error, such as `{{ 1 / 0 }}`
        raise TemplateError(f"template {_place(exc, templates)}: {exc}") from exc
    revision = _digest(draft)
    return ConfigFiles(tuple((name, text.replace(_REVISION, revision)) for name, text in draft), revision, topology)


# Printed in place of the two hashes, which are known only after all is printed; of the same length.
_REVISION, _TOPOLOGY = f"{'revision':@^16}", f"{'topology':@^16}"


@dataclasses.dataclass(frozen=True, slots=True)
class _Rendering:
    """Everything that a rendering depends on beside the desired state."""

    printer: Printer
    templates: tuple[tuple[str, str], ...]
    features: Features
    tuning: Tuning
    token: str

    def __call__(self, state: Desired) -> tuple[tuple[str, str], ...]:
        """Render every template that is not a partial."""
        environment = _environment(self.templates)
        values = self.printer(state, features=self.features, tuning=self.tuning, token=self.token)
        context = {f.name: getattr(values, f.name) for f in dataclasses.fields(values)}
        context |= {"revision": _REVISION, "topology": _TOPOLOGY}
        names = [name for name, _ in self.templates if not name.startswith("_")]
        return tuple((n.removesuffix(".j2"), environment.get_template(n).render(context)) for n in names)


@functools.lru_cache(maxsize=4)
def _environment(templates: tuple[tuple[str, str], ...]) -> jinja2.Environment:
    """Return the compiled templates: compiling takes 20 ms, rendering 1 ms."""
    texts = dict(templates)
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: _source(texts, name)),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - this is configuration, not HTML; values are typed before they get here
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["seconds"] = lambda ms: f"{ms}ms"
    return environment


@functools.lru_cache(maxsize=4)
def _topology(print_files: _Rendering, bare: Desired) -> str:
    """Return the hash of a state without servers; joins and leaves do not change it."""
    return _digest(print_files(bare))


def _source(templates: Mapping[str, str], name: str) -> tuple[str, str, Callable[[], bool]] | None:
    """Return a template with its name as file name, which is what tracebacks show; None: there is none."""
    text = templates.get(name)
    return None if text is None else (text, name, lambda: True)


def _place(exc: Exception, templates: Mapping[str, str]) -> str:
    """Return `file, line N` of the template that raised, from the traceback that Jinja rewrites."""
    frames = [(f.f_code.co_filename, line) for f, line in traceback.walk_tb(exc.__traceback__)]
    return next((f"{name}, line {line}" for name, line in reversed(frames) if name in templates), "?")


def _digest(files: tuple[tuple[str, str], ...]) -> str:
    text = "\0".join(f"{name}\0{text}" for name, text in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
