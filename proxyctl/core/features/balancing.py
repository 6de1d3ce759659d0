"""The labels by which a pool chooses a server: what the servers speak, the algorithm, the affinity. Pure."""

from __future__ import annotations

from typing import get_args

from proxyctl.core.features import values
from proxyctl.core.features.key import HttpOnly, Key
from proxyctl.core.features.values import Kind
from proxyctl.core.model import Balance, Protocol

_protocol: Kind[Protocol] = values.word(*get_args(Protocol))
_balance: Kind[Balance] = values.word(*get_args(Balance))

PROTOCOL: Key[Protocol] = Key(
    "protocol", _protocol, "pool", default="http", meaning="what the server speaks", field="protocol"
)
BALANCE: Key[Balance] = Key(
    "balance",
    _balance,
    "pool",
    default="roundrobin",
    meaning="how a pool chooses a server",
    field="balance",
    http=HttpOnly("uri is for HTTP: protocol=tcp has none", ("uri",)),
)
STICKY = Key(
    "sticky",
    values.cookie,
    "pool",
    default=None,
    meaning="session affinity by this cookie",
    default_words="off",
    field="sticky",
    http=HttpOnly(),
)

KEYS = (PROTOCOL, BALANCE, STICKY)
