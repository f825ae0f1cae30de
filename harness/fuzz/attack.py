"""A malformed request, and what the trunk must not say to it."""

from dataclasses import dataclass

from harness.fuzz.refusals import REFUSALS

__all__ = ["Answer", "Attack"]

HUNG = ("DEADLINE_EXCEEDED", "CANCELLED")


@dataclass(frozen=True)
class Answer:
    """How a request was answered.

    Attributes:
        code: name of the status code.
        reason: that the trunk gave; empty where it gave none.
        details: in words.
    """

    code: str
    reason: str
    details: str

    def __str__(self) -> str:
        """Return the form of a tally."""
        return f"{self.code} {self.reason}".rstrip()


@dataclass(frozen=True)
class Attack:
    """A request that must be refused.

    Attributes:
        kind: what is wrong with it.
        method: name of the RPC.
        body: bytes of the message.
        reason: why it must be refused, by the reason's name; empty where any reason will do.
        checksum: it is checksummed before it is sent, so that it comes as far as it can.
    """

    kind: str
    method: str
    body: bytes
    reason: str = ""
    checksum: bool = True

    def finding(self, answer: Answer) -> str:
        """Say what is wrong with an answer; empty when it is a proper refusal."""
        if answer.code == "OK":
            return "was accepted"
        if answer.code in HUNG:
            return f"was not answered in time ({answer.code})"
        if self.reason and answer.reason != self.reason:
            return f"was refused as {answer} instead of {self.reason}"
        if answer.reason in ("", "BUG"):
            return f"was answered {answer}: {answer.details}"
        return _impropriety(answer)


def _impropriety(answer: Answer) -> str:
    """Say what is wrong with the code and the message that came with a reason."""
    refusal = REFUSALS.get(answer.reason)
    if refusal and answer.code != refusal.code:
        return f"was answered {answer}, whose code should be {refusal.code}"
    if refusal and not any(words in answer.details for words in refusal.words):
        return f"was answered {answer} without saying why: {answer.details!r}"
    return ""
