"""What a lab's data says before it runs."""

from __future__ import annotations

from proxyctl.labs.step import Lab, sketch
from proxyctl.labs.texts import Text

LAB = Lab("clip0", Text("가", "a"), Text("나", "b"), ("box",), {}, ())


def test_a_sketch_has_names_without_a_run_and_says_what_will_be_found() -> None:
    """What `lab show` prints."""
    assert sketch("docker run {label} --name {box} {image}", LAB) == (
        "docker run --label proxyctl.lab=clip0 --name lab-box <image>"
    )
