"""The results of sending malformed requests."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

__all__ = ["PROGRESS_EVERY", "FuzzReport", "Tally"]

# The fuzzer reports whenever this many more have been answered.
PROGRESS_EVERY = 100
MOST_FINDINGS = 20


@dataclass(frozen=True)
class FuzzReport:
    """The complete report.

    Attributes:
        sent: requests, answered in time or not; includes raw connections.
        distinct: how many of them were different.
        kinds: how many of each kind.
        calls: how many per call.
        answers: how many of each status code and reason, or for raw connections, of each ending.
        findings: the first answers that a trunk must not give, in words; a malformed request must be refused in time,
            for the right reason, and not by a bug.
        seconds: duration.
    """

    sent: int
    distinct: int
    kinds: Mapping[str, int]
    calls: Mapping[str, int]
    answers: Mapping[str, int]
    findings: tuple[str, ...]
    seconds: float

    def to_json(self) -> str:
        """Return the report as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read what `to_json` wrote."""
        values = json.loads(line)
        return cls(**{**values, "findings": tuple(values["findings"])})


class Tally:
    """Counts while requests are sent."""

    def __init__(self) -> None:
        self.sent = 0
        self._kinds: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()
        self._answers: Counter[str] = Counter()
        self._findings: list[str] = []
        self._seen: set[int] = set()

    def add(self, kind: str, content: tuple[str, bytes], answer: str, finding: str) -> None:
        """Count a request by its content (call and bytes) and its answer; `finding` is in words, or empty."""
        self.sent += 1
        self._kinds[kind] += 1
        self._calls[content[0]] += 1
        self._answers[answer] += 1
        self._seen.add(hash(content))
        if finding and len(self._findings) < MOST_FINDINGS:
            self._findings.append(f"{kind}: {finding}; {content[0]} {content[1][:200].hex()}")

    def report(self, seconds: float) -> FuzzReport:
        """Return what has been counted so far."""
        kinds, calls, answers = (dict(counted.most_common()) for counted in (self._kinds, self._calls, self._answers))
        return FuzzReport(self.sent, len(self._seen), kinds, calls, answers, tuple(self._findings), seconds)
