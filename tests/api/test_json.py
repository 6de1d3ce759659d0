"""`proxyctl.api.json`: the contract of `status --json`, byte for byte, and how it is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.api.json import events_from_json, events_to_json, from_json, problem_to_json, to_json
from proxyctl.core.model import Problem
from proxyctl.core.status import Event, PoolStatus, RouteStatus, ServerStatus, Status
from proxyctl.errors import ProxyctlError
from tests import statuses

STATUS = Status(
    network="shop",
    engine="haproxy",
    version="3.2.26",
    revision="9f2c",
    generation=12,
    synced_seconds_ago=0.4,
    events_connected=True,
    stale_reason="ping: refused",
    pools=(
        PoolStatus(
            name="web",
            protocol="http",
            balance="uri",
            sticky="id",
            maintenance=True,
            drain_seconds=30.0,
            routes=(RouteStatus(None, "/", 80, strip_prefix=False), RouteStatus("h", "/x", 81, strip_prefix=True)),
            servers=(
                ServerStatus("a", "id-a", "10.0.0.1:80", "up", 3, backup=True, requests=12, reason=""),
                ServerStatus("b", "id-b", "10.0.0.2:80", "starting", 0, backup=False, requests=None, reason="not yet"),
            ),
            refused=("pool web keeps its previous settings: no",),
        ),
    ),
    problems=(Problem("c", "l", "r", code="P102"), Problem("", "", "gateway: gone", "warning", code="P501")),
)

# As `status --json` of version 0.1 printed it, but for the indentation. It may grow; no line may change.
DOCUMENT = (
    '{"network": "shop", "engine": "haproxy", "version": "3.2.26", "revision": "9f2c", "generation": 12, '
    '"synced_seconds_ago": 0.4, "events_connected": true, "stale": true, "stale_reason": "ping: refused", "pools": '
    '[{"name": "web", "protocol": "http", "balance": "uri", "sticky": "id", "maintenance": true, '
    '"drain_seconds": 30.0, "routes": [{"host": null, "path": "/", "listen": 80, "strip_prefix": false}, '
    '{"host": "h", "path": "/x", "listen": 81, "strip_prefix": true}], "servers": [{"name": "a", "container": "id-a", '
    '"address": "10.0.0.1:80", "state": "up", "weight": 3, "backup": true, "requests": 12, "reason": ""}, '
    '{"name": "b", "container": "id-b", "address": "10.0.0.2:80", "state": "starting", "weight": 0, "backup": false, '
    '"requests": null, "reason": "not yet"}], "refused": ["pool web keeps its previous settings: no"]}], "problems": '
    '[{"code": "P102", "container": "c", "label": "l", "reason": "r", "severity": "error"}, '
    '{"code": "P501", "container": "", "label": "", "reason": "gateway: gone", "severity": "warning"}], '
    '"elsewhere": [], "joined": []}'
)
BEFORE_THE_FIRST_LISTING = (
    '{"network": null, "engine": "nginx", "version": "1.26.3", "revision": null, "generation": null, '
    '"synced_seconds_ago": null, "events_connected": false, "stale": true, '
    '"stale_reason": "Docker has not been listed yet", "pools": [], "problems": [], "elsewhere": [], "joined": []}'
)


def told(text: str) -> dict[str, Any]:
    """Parse a document."""
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def test_the_document_is_the_one_of_the_contract() -> None:
    """A whole status gives the recorded document, byte for byte."""
    assert json.dumps(to_json(STATUS)) == DOCUMENT


@pytest.mark.parametrize("text", [DOCUMENT, BEFORE_THE_FIRST_LISTING])
def test_what_is_written_is_read_again(text: str) -> None:
    """Reading the document and writing it gives the same bytes."""
    assert json.dumps(to_json(from_json(told(text)))) == text


def test_a_fresh_status_has_no_reason() -> None:
    """`stale` is false exactly where `stale_reason` is null."""
    shown = to_json(statuses.status())
    assert (shown["stale"], shown["stale_reason"]) == (False, None)


def test_keys_of_a_newer_watch_are_ignored() -> None:
    """A verb of this version reads the status of a newer `watch`, which says more."""
    newer = told(DOCUMENT) | {"certificates": []}
    newer["pools"][0]["servers"][0]["zone"] = "a"
    newer["problems"][0]["hint"] = "P104"
    assert from_json(newer) == STATUS


@pytest.mark.parametrize("key", sorted(told(DOCUMENT).keys() - {"stale", "elsewhere", "joined"}))
def test_a_missing_key_is_named(key: str) -> None:
    """A status that lacks something is an error in one line that names it, not a KeyError."""
    lacking = told(DOCUMENT)
    del lacking[key]
    with pytest.raises(ProxyctlError, match=rf"status of `proxyctl watch` cannot be read \({key}: .*of this version"):
        from_json(lacking)


def test_a_key_deep_inside_is_named_with_its_place() -> None:
    """The place says which server of which pool it was."""
    wrong = told(DOCUMENT)
    wrong["pools"][0]["servers"][1]["state"] = "asleep"
    with pytest.raises(ProxyctlError, match=r"\(pools\.0\.servers\.1\.state: "):
        from_json(wrong)


def test_events_are_read_as_they_were_written() -> None:
    """An event keeps its id; one of an older `watch` has none, and gets 0."""
    events = (Event(1.5, "join", "web1 joined", 3),)
    shown = events_to_json(events)
    assert json.dumps(shown) == '{"events": [{"id": 3, "at": 1.5, "kind": "join", "text": "web1 joined"}]}'
    assert events_from_json(shown) == events
    assert events_from_json({"events": [{"at": 1.5, "kind": "join", "text": "web1 joined"}]})[0].id == 0
    with pytest.raises(ProxyctlError, match=r"events of `proxyctl watch` cannot be read \(events: "):
        events_from_json({})


def test_a_problem_is_the_same_in_every_document() -> None:
    """The problems of a status are written as those of a plan."""
    assert to_json(STATUS)["problems"] == [problem_to_json(p) for p in STATUS.problems]
