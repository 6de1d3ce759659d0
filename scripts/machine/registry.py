"""Official images, where a registry answers.

Asked through the engine, since its proxies and mirrors are what counts. One failure is remembered for the
whole run, so that a machine without a registry loses the waiting time once.
"""

import selectors
import subprocess

from scripts.machine.terminal import Terminal

PATIENCE = 4.0  # seconds until `docker pull` must have said that it found the image


class Registry:
    """The registry that the engine is configured with."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.answers = True

    def pull(self, image: str) -> bool:
        """Pull an image; False when no registry answers in time or it does not have the image."""
        if not self.answers:
            return False
        words = ["docker", "pull", image]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pull:
            assert pull.stdout is not None  # noqa: S101 - it was asked for
            with selectors.DefaultSelector() as selector:
                selector.register(pull.stdout, selectors.EVENT_READ)
                in_time = bool(selector.select(PATIENCE))
            # The first line comes when the registry has answered: with the image's name, or with an error.
            first = pull.stdout.readline() if in_time else f"no answer within {PATIENCE} s\n"
            started = "Pulling from" in first
            if not started:
                pull.terminate()
            rest = pull.stdout.read()
        self._terminal.note(words, first + rest)
        self.answers = started or any(word in first for word in ("manifest unknown", "not found"))
        return started and pull.returncode == 0
