"""Byte counters read from a server's Prometheus text."""

import re
from dataclasses import dataclass

__all__ = ["ByteCounters", "read_counters"]

_SAMPLE = re.compile(
    r'^toxiproxy_proxy_(?P<verb>received|sent)_bytes_total\{direction="(?P<direction>\w+)",'
    r'listener="[^"]*",proxy="(?P<proxy>(?:[^"\\]|\\.)*)",upstream="[^"]*"\} (?P<value>\S+)$',
    re.MULTILINE,
)


@dataclass(frozen=True)
class ByteCounters:
    """Bytes a proxy passed on in each direction, and bytes it took in (more, if a toxic drops or holds some)."""

    upstream: int
    downstream: int
    received_upstream: int = 0
    received_downstream: int = 0


def read_counters(text: str, proxy_name: str) -> ByteCounters:
    """Sum the counters of a proxy over every address that it had."""
    label = proxy_name.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    totals: dict[tuple[str, str], int] = {}
    for sample in _SAMPLE.finditer(text):
        if sample["proxy"] == label:
            key = (sample["verb"], sample["direction"])
            # The real server writes large values as floats.
            totals[key] = totals.get(key, 0) + int(float(sample["value"]))
    return ByteCounters(
        upstream=totals.get(("sent", "upstream"), 0),
        downstream=totals.get(("sent", "downstream"), 0),
        received_upstream=totals.get(("received", "upstream"), 0),
        received_downstream=totals.get(("received", "downstream"), 0),
    )
