"""Packages of any Debian suite, without touching the system: a private apt root.

The mirror is the one that this system already uses; only the suite's name is exchanged. Nothing is installed:
packages are downloaded (and verified by apt) and unpacked by `rootfs`.
"""

import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.machine.terminal import SetupError, Terminal

DEBIAN_SUITES = frozenset({"stable", "oldstable", "testing", "unstable", "sid"})
COMPONENTS = frozenset({"main", "universe"})
ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^]]*)]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>.*)")


@dataclass(frozen=True, slots=True)
class Source:
    """One place that apt gets packages from; `signed_by` is a path or, in deb822, a whole key."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""
    trusted: str = ""

    def deb822(self) -> str:
        """Write it as a stanza. Frozen mirrors are past their date: their signature is what counts here."""
        fields = {
            "Types": "deb",
            "URIs": self.uri,
            "Suites": self.suite,
            "Components": " ".join(self.components),
            "Signed-By": self.signed_by,
            "Trusted": self.trusted,
            "Check-Valid-Until": "no",
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def parse_one_line(text: str) -> list[Source]:
    """Read the classic format, `deb [options] uri suite components` (sources.list(5))."""
    sources = []
    for line in text.splitlines():
        match = ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if match is None:
            continue
        options = dict(word.split("=", 1) for word in (match["options"] or "").split() if "=" in word)
        sources.append(
            Source(
                uri=match["uri"],
                suite=match["suite"],
                components=tuple(match["components"].split()),
                signed_by=options.get("signed-by", "").replace(",", " "),
                trusted=options.get("trusted", ""),
            )
        )
    return sources


def parse_deb822(text: str) -> list[Source]:
    """Read the stanza format of *.sources files (sources.list(5))."""
    sources = []
    without_comments = re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)
    for stanza in re.split(r"\n\s*\n", without_comments):
        fields = {
            match[1].lower(): match[2].rstrip()
            for match in re.finditer(r"^(\S+?):[ \t]*(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE)
        }
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in {
            "no",
            "false",
        }:
            continue
        sources += [
            Source(
                uri=uri,
                suite=suite,
                components=tuple(fields.get("components", "").split()),
                signed_by=fields.get("signed-by", ""),
                trusted=fields.get("trusted", ""),
            )
            for uri in fields.get("uris", "").split()
            for suite in fields.get("suites", "").split()
        ]
    return sources


def for_suite(sources: Iterable[Source], own: str, wanted: str) -> list[Source]:
    """Derive the sources of suite `wanted` from those of the system, whose suite is `own`.

    Third-party repositories are left out; `<own>-security` becomes `<wanted>-security`, but not for sid.
    """
    derived: list[Source] = []
    for source in sources:
        base, dash, pocket = source.suite.partition("-")
        components = tuple(sorted(COMPONENTS.intersection(source.components)))
        if base not in DEBIAN_SUITES | {own} or pocket not in {"", "security"} or not components:
            continue
        if pocket and wanted in {"sid", "unstable"}:
            continue
        copy = replace(source, suite=wanted + dash + pocket, components=components)
        if copy not in derived:
            derived.append(copy)
    return derived


def system_sources(etc_apt: Path = Path("/etc/apt")) -> list[Source]:
    """Read all sources of this system, in both formats."""
    parts = etc_apt / "sources.list.d"
    one_line = [etc_apt / "sources.list", *sorted(parts.glob("*.list"))]
    sources = [source for path in one_line if path.is_file() for source in parse_one_line(path.read_text())]
    return sources + [source for path in sorted(parts.glob("*.sources")) for source in parse_deb822(path.read_text())]


def distribution() -> tuple[str, str]:
    """Name this system: its id (`debian`, `ubuntu`, …) and its suite."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "", ""
    return release.get("ID", ""), release.get("VERSION_CODENAME", "")


def suite_here(wanted: str) -> str:
    """Choose the suite to take packages from: the wanted one on Debian, elsewhere the system's own."""
    identity, own = distribution()
    return wanted if identity == "debian" else own


class Suite:
    """The packages of one suite, downloaded to `folder` and kept there."""

    def __init__(self, terminal: Terminal, folder: Path, name: str) -> None:
        self._terminal = terminal
        self._folder = folder / name
        self.name = name

    def download(self, *packages: str) -> list[Path]:
        """Download packages with all that they need; raise SetupError when the suite cannot be had."""
        self._prepare()
        install = ("install", "--yes", "--no-install-recommends", *packages)
        fetched = self._apt("--download-only", *install) if self._has_index() else False
        if not fetched:  # no index yet, or one that names files which the mirror no longer has
            remedy = "the mirror in /etc/apt must answer; then run `make setup` again"
            self._terminal.run(*self._command("update"), remedy=remedy)
            self._terminal.run(*self._command("--download-only", *install), remedy=remedy)
        plan = self._terminal.run(*self._command("--simulate", *install))
        archives = self._folder / "archives"
        chosen = re.findall(r"^Inst (\S+) \((\S+) .*\[(\w+)\]\)", plan, re.MULTILINE)
        return [archives / f"{name}_{version.replace(':', '%3a')}_{arch}.deb" for name, version, arch in chosen]

    def _prepare(self) -> None:
        own = distribution()[1]
        sources = for_suite(system_sources(), own, self.name)
        if not sources:
            raise SetupError(
                f"no package source for {self.name}: /etc/apt names no mirror of {own or 'a Debian suite'}",
                remedy="a machine where `docker pull` works needs none of this",
            )
        for folder in ("lists/partial", "archives/partial"):
            (self._folder / folder).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        (self._folder / "private.sources").write_text("\n".join(source.deb822() for source in sources))

    def _has_index(self) -> bool:
        return any((self._folder / "lists").glob("*Packages*"))

    def _apt(self, *words: str) -> bool:
        return self._terminal.attempt(*self._command(*words)).returncode == 0

    def _command(self, *words: str) -> list[str]:
        settings = {
            "Dir::State": self._folder,
            "Dir::State::lists": self._folder / "lists",
            "Dir::State::status": self._folder / "status",
            "Dir::Cache": self._folder,
            "Dir::Cache::archives": self._folder / "archives",
            "Dir::Etc::sourcelist": self._folder / "private.sources",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Default-Release": "",
            "APT::Sandbox::User": "root",
            "APT::Get::List-Cleanup": "false",
            "Acquire::Languages": "none",
            "Debug::NoLocking": "true",
        }
        options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        return ["apt-get", "--quiet", *options, *words]
