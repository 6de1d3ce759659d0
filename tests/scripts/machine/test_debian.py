"""The mirror comes from the system's own sources, in both formats that apt has."""

from pathlib import Path

import pytest

from scripts.machine.debian import Source, for_suite, parse_deb822, parse_one_line, system_sources

STANZAS = """\
Types: deb
# a comment in the middle
URIs: http://mirror.example.org/debian http://second.example.org/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: http://mirror.example.org/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://disabled.example.org/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://sources.example.org/debian
Suites: bookworm
Components: main
"""

LINES = """\
# deb http://commented.example.org/debian bookworm main
deb http://mirror.example.org/debian bookworm main non-free # trailing
deb-src http://mirror.example.org/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg,/usr/share/keyrings/b.gpg] https://s.example.org/x bookworm-security main
deb [trusted=yes] file:/srv/packages ./
deb https://packages.example.com/apt vendor-bookworm main
"""  # noqa: E501 - apt's lines have no continuation


def test_stanzas_give_one_source_for_each_uri_and_suite() -> None:
    """Disabled and source-only stanzas are left out; a key within the stanza is kept whole."""
    sources = parse_deb822(STANZAS)
    assert [(source.uri, source.suite) for source in sources] == [
        ("http://mirror.example.org/debian", "bookworm"),
        ("http://mirror.example.org/debian", "bookworm-updates"),
        ("http://second.example.org/debian", "bookworm"),
        ("http://second.example.org/debian", "bookworm-updates"),
        ("http://mirror.example.org/debian-security", "bookworm-security"),
    ]
    assert sources[0].signed_by == "/usr/share/keyrings/debian-archive-keyring.gpg"
    assert sources[-1].signed_by.splitlines()[1:3] == [" -----BEGIN PGP PUBLIC KEY BLOCK-----", " ."]


def test_lines_are_read_with_their_options() -> None:
    """Comments and source packages are left out; several keyrings become apt's space-separated list."""
    sources = parse_one_line(LINES)
    assert [(source.uri, source.suite) for source in sources] == [
        ("http://mirror.example.org/debian", "bookworm"),
        ("https://s.example.org/x", "bookworm-security"),
        ("file:/srv/packages", "./"),
        ("https://packages.example.com/apt", "vendor-bookworm"),
    ]
    assert sources[0].components == ("main", "non-free")
    assert sources[1].signed_by == "/usr/share/keyrings/a.gpg /usr/share/keyrings/b.gpg"
    assert sources[2].trusted == "yes"


@pytest.mark.parametrize(
    ("wanted", "suites"),
    [
        ("bookworm", ["bookworm", "bookworm-security"]),
        ("trixie", ["trixie", "trixie-security"]),
        ("sid", ["sid"]),
    ],
)
def test_a_suite_is_derived_from_the_distribution_s_own_sources_only(wanted: str, suites: list[str]) -> None:
    """Vendors' repositories and update pockets are not taken over, and sid has no security pocket."""
    derived = for_suite(parse_one_line(LINES), "bookworm", wanted)
    assert [source.suite for source in derived] == suites
    assert {source.components for source in derived} == {("main",)}


def test_a_system_that_says_stable_is_understood() -> None:
    """The suite may be written as an alias instead of its name."""
    derived = for_suite([Source("http://m.example.org/debian", "stable", ("main",))], "trixie", "sid")
    assert [source.suite for source in derived] == ["sid"]


def test_what_is_written_reads_back_the_same() -> None:
    """A derived source, with a key of many lines too, means the same to apt as the one it came from."""
    derived = for_suite(parse_deb822(STANZAS), "bookworm", "trixie")
    assert parse_deb822("\n".join(source.deb822() for source in derived)) == derived


def test_both_formats_are_read_from_disk(tmp_path: Path) -> None:
    """sources.list, *.list and *.sources count; other files in the folder do not."""
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text("deb http://one.example.org/debian bookworm main\n")
    (parts / "b.list").write_text("deb http://two.example.org/debian bookworm main\n")
    (parts / "a.sources").write_text("Types: deb\nURIs: http://three.example.org\nSuites: bookworm\nComponents: main\n")
    (parts / "c.list.save").write_text("deb http://four.example.org/debian bookworm main\n")
    assert [source.uri.removeprefix("http://").split(".")[0] for source in system_sources(tmp_path)] == [
        "one",
        "two",
        "three",
    ]
