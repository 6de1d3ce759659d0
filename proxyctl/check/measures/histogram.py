"""A histogram of times: cheap to add to, mergeable, exact to three digits, an HDR histogram where it is written down.

Counting is a dictionary of microseconds rounded down to eleven bits, which is the resolution of an HDR
histogram of three digits: HdrHistogram itself takes ten times as long for each value.
"""

from __future__ import annotations

import math
from typing import Final, Self

from hdrh.histogram import HdrHistogram

from proxyctl.errors import UsageError

LONGEST_US: Final = 3_600_000_000
PERCENTILES: Final = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9}

_BITS: Final = 11
_DIGITS: Final = 3


def rounded(microseconds: int, bits: int = _BITS) -> int:
    """Return the number rounded down to so many significant bits."""
    surplus = microseconds.bit_length() - bits
    return microseconds >> surplus << surplus if surplus > 0 else microseconds


class Histogram:
    """How often each time was seen; from 1 microsecond to an hour, what is beyond counts at the end."""

    __slots__ = ("counts", "longest_us")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.longest_us = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.counts == other.counts and self.longest_us == other.longest_us

    __hash__ = None  # type: ignore[assignment] # it is counted in

    def __repr__(self) -> str:
        return f"<Histogram of {self.total}, {self.figures()}>"

    @property
    def total(self) -> int:
        """How many times were counted."""
        return sum(self.counts.values())

    @property
    def total_seconds(self) -> float:
        """The sum of all times."""
        return sum(key * count for key, count in self.counts.items()) / 1e6

    def add(self, seconds: float) -> None:
        """Count one time."""
        us = int(seconds * 1e6 + 0.5)  # this runs several times for each request: no call that can be saved
        if not 1 <= us <= LONGEST_US:
            us = 1 if us < 1 else LONGEST_US
        self.longest_us = max(self.longest_us, us)
        surplus = us.bit_length() - _BITS
        key = us >> surplus << surplus if surplus > 0 else us
        self.counts[key] = self.counts.get(key, 0) + 1

    def merge(self, other: Histogram) -> None:
        """Add the counts of another histogram."""
        for key, count in other.counts.items():
            self.counts[key] = self.counts.get(key, 0) + count
        self.longest_us = max(self.longest_us, other.longest_us)

    def percentile_ms(self, percent: float) -> float | None:
        """Return the nearest-rank percentile in milliseconds, at the upper end of what was rounded to it."""
        us = percentile(self.counts, percent)
        if us is None:
            return None
        width = 1 << max(0, us.bit_length() - _BITS)
        return min(us + width - 1, self.longest_us) / 1000

    def figures(self) -> dict[str, float | None]:
        """Return percentiles and maximum in milliseconds; None where nothing was counted."""
        values = {name: self.percentile_ms(p) for name, p in PERCENTILES.items()}
        return {**values, "max": self.longest_us / 1000 if self.counts else None}

    def encode(self) -> str:
        """Return the histogram as other HDR tools read it: V2, compressed, base64; microseconds."""
        hdr = HdrHistogram(1, LONGEST_US, _DIGITS)
        for key, count in self.counts.items():
            hdr.record_value(key, count)
        encoded: bytes = hdr.encode()
        return encoded.decode()

    @classmethod
    def decode(cls, text: str, longest_ms: float | None = None) -> Self:
        """Return what `encode` wrote; `longest_ms` is the maximum, which an HDR histogram rounds. Raise UsageError."""
        self = cls()
        try:
            hdr = HdrHistogram.decode(text)
        except Exception as exc:  # each codec error has a type of its own, without a common base
            raise UsageError(f"{text[:20]!r} is not an encoded HDR histogram") from exc
        for index, count in enumerate(
            hdr.counts[: hdr.encoder.payload.counts_len]
        ):  # its iterator takes ten times as long
            if count:
                key = rounded(int(hdr.get_value_from_index(index)))
                self.counts[key] = self.counts.get(key, 0) + int(count)
        self.longest_us = int(hdr.get_max_value()) if longest_ms is None else round(longest_ms * 1000)
        return self


def percentile(counts: dict[int, int], percent: float) -> int | None:
    """Return the nearest-rank percentile of values and how often each was seen; None of nothing."""
    left = math.ceil(sum(counts.values()) * percent / 100)
    found = None
    for key in sorted(counts):
        found = key
        left -= counts[key]
        if left <= 0:
            break
    return found
