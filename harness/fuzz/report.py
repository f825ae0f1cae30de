"""What came of sending malformed requests."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

__all__ = ["PROGRESS_EVERY", "FuzzReport", "Tally"]

# The fuzzer tells whenever as many more have been answered.
PROGRESS_EVERY = 100
MOST_FINDINGS = 20


@dataclass(frozen=True)
class FuzzReport:
    """All of it.

    Attributes:
        sent: requests that were answered, or not in time; raw connections among them.
        distinct: how many of them were different.
        kinds: how many of each kind.
        calls: how many to each call, or of it.
        answers: how many of each status code and reason; of raw connections, how they ended.
        findings: the first answers that a trunk must not give, in words; what is malformed must be refused, in time,
            for the right reason, and without a bug's help.
        seconds: that it took.
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
    """Counts while it goes on."""

    def __init__(self) -> None:
        self.sent = 0
        self._kinds: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()
        self._answers: Counter[str] = Counter()
        self._findings: list[str] = []
        self._seen: set[int] = set()

    def add(self, kind: str, content: tuple[str, bytes], answer: str, finding: str) -> None:
        """Count a request by its content, a call and bytes, and by its answer; a finding is told in words, or empty."""
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
