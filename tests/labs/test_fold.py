"""How long commands are broken into lines."""

from __future__ import annotations

import shlex

from hypothesis import given
from hypothesis import strategies as st

from proxyctl.labs.fold import fold

WORDS = st.lists(
    st.one_of(
        st.from_regex(r"[a-z./:=-]{1,12}", fullmatch=True),
        st.from_regex(r"'[a-z {}|$]{0,12}'", fullmatch=True),
        st.from_regex(r'"[a-z {}|]{0,12}"', fullmatch=True),
        st.just("{{.Name}}"),
    ),
    min_size=1,
    max_size=20,
)


@given(WORDS, st.integers(30, 90))
def test_a_folded_command_is_the_same_command_in_lines_that_fit(words: list[str], width: int) -> None:
    """Pasted into a shell it gives the same words; no line of several words is too long."""
    command = " ".join(words)
    lines = fold(command, width)
    pasted = "\n".join(lines).replace("\\\n", "")  # as a shell continues a line; shlex does not
    assert shlex.split(pasted) == shlex.split(command)
    assert all(len(line) <= width or len(shlex.split(line.removesuffix(" \\"))) == 1 for line in lines)


def test_an_option_stays_with_its_value() -> None:
    """No line breaks between them."""
    lines = fold("docker run -d --label proxyctl.lab=clip1 --name lab-0000-web -p 12345:8080 proxyctl/echo", 72)
    assert lines == [
        "docker run -d --label proxyctl.lab=clip1 --name lab-0000-web \\",
        "    -p 12345:8080 proxyctl/echo",
    ]


def test_a_command_of_several_lines_stays_as_it_is() -> None:
    """A here-document must not be reflowed."""
    command = "cat > x <<'E'\n  two   spaces " + "x " * 60 + "\nE"
    assert fold(command, 40) == command.split("\n")
