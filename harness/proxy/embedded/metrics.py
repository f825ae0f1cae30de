"""Byte counters that are updated as bytes pass, and their Prometheus text."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

__all__ = ["ByteCount", "CounterLabels", "ProxyMetrics"]


@dataclass(frozen=True, order=True)
class CounterLabels:
    """What one pair of counters measures."""

    direction: str
    listener: str
    proxy: str
    upstream: str

    def __str__(self) -> str:
        return ",".join(f'{name}="{_escaped(value)}"' for name, value in asdict(self).items())


@dataclass
class ByteCount:
    """Bytes that came in from the sender and bytes that went out to the receiver."""

    received: int = 0
    sent: int = 0


class ProxyMetrics:
    """All counters of a server. A deleted proxy keeps its own, as counters never go back."""

    def __init__(self) -> None:
        self._counts: dict[CounterLabels, ByteCount] = {}

    def count_for(self, labels: CounterLabels) -> ByteCount:
        """Return the counters with these labels, made on first use."""
        return self._counts.setdefault(labels, ByteCount())

    def text(self) -> str:
        """Return all counters in the Prometheus text format 0.0.4."""
        received = self._family("received", [(labels, c.received) for labels, c in self._counts.items()])
        sent = self._family("sent", [(labels, c.sent) for labels, c in self._counts.items()])
        return "".join([*received, *sent])

    def _family(self, verb: str, samples: list[tuple[CounterLabels, int]]) -> Iterator[str]:
        if not samples:
            return
        name = f"toxiproxy_proxy_{verb}_bytes_total"
        yield f"# HELP {name} \n# TYPE {name} counter\n"
        for labels, value in sorted(samples):
            yield f"{name}{{{labels}}} {value}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
