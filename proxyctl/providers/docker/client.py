"""The client with which Docker is asked, and its failures as one line for a person."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import docker
import docker.errors
import docker.utils
import requests

from proxyctl.errors import DockerUnavailable, ProxyctlError, printable

Client = docker.APIClient
"""A client of one Docker engine. Rooms other than `providers.docker` and `gateway` only pass it on.

The labs are the exception: they show what Docker itself answers, so its errors have names here.
"""
DockerError = docker.errors.DockerException
NotFound = docker.errors.NotFound


@contextlib.contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn every docker-py error that means "no answer" into DockerUnavailable with one line.

    `docker.errors.NotFound` passes, as it is an answer to some callers; it must not leave this package or `gateway`.
    """
    try:
        yield
    except docker.errors.NotFound:
        raise
    except (docker.errors.DockerException, requests.RequestException, OSError, ValueError) as exc:
        raise DockerUnavailable(f"{doing}: {explain(exc)}") from exc


@contextlib.contextmanager
def attempted(doing: str) -> Iterator[None]:
    """Turn "not found" into a ProxyctlError that names what was attempted; every other failure is `translated`."""
    try:
        with translated(doing):
            yield
    except docker.errors.NotFound as exc:
        raise ProxyctlError(f"{doing}: {explain(exc)}") from exc


@contextlib.contextmanager
def required(subject: str, advice: str = "", missing: type[ProxyctlError] = ProxyctlError) -> Iterator[None]:
    """Turn "not found" into the error `missing` about what is missing; every other failure is `translated`."""
    try:
        with translated(subject):
            yield
    except docker.errors.NotFound as exc:
        message = f"{subject} is not here{f': {advice}' if advice else f' ({exc.explanation})'}"
        raise missing(message) from exc


def explain(exc: Exception) -> str:
    """Return one line for a person about why Docker could not be asked."""
    text = str(getattr(exc, "explanation", None) or exc)
    host = os.environ.get("DOCKER_HOST")
    if host and "Invalid bind address" in text:
        return f"DOCKER_HOST={host} cannot be meant: give unix:///PATH or tcp://HOST:PORT, or unset it"
    if "Permission denied" in text or "PermissionError" in text:
        return "no permission on Docker's socket: run as root, or join the group (usermod -aG docker $USER)"
    if any(part in text for part in ("FileNotFoundError", "No such file", "ConnectionRefused", "refused")):
        if host:
            return f"nobody answers at DOCKER_HOST={host}: start the engine there, give another, or unset it"
        return "Docker does not answer: is the engine running? (systemctl start docker, or set DOCKER_HOST)"
    if "Connection aborted" in text or "Connection reset" in text:
        return "Docker's connection broke off before the answer was there"
    return printable(text.splitlines()[0][:300]) if text else type(exc).__name__


def connect() -> Client:
    """Open a client to the engine that DOCKER_HOST names, at the newest API version that both speak."""
    with translated("Docker"):
        kwargs = docker.utils.kwargs_from_env()
        # docker-py keeps connections per URL, which names the container: 25 of them open without `num_pools`
        return docker.APIClient(**kwargs, version="auto", timeout=10, num_pools=4)


def docker_version(client: Client) -> str:
    """Return the engine's version and the API version that is spoken with it, as `29.1.3, API 1.52`."""
    with translated("Docker"):
        return f"{client.version()['Version']}, API {client.api_version}"
