"""`proxyctl lab show`: what a lab will do."""

from __future__ import annotations

from proxyctl.cli.lab.options import Clips, LangOption, language, view


def show(clips: Clips, lang: LangOption = None) -> None:
    """Say what a lab will do, with the docker and Linux commands; runs nothing."""
    from proxyctl.labs import catalog

    shown = view(language(lang))
    for lab in catalog.chosen(clips):
        shown.plan(lab)
