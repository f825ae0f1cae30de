"""A malformed request, and what is wrong with the trunk's answer to it."""

from dataclasses import dataclass

from harness.fuzz.refusals import REFUSALS

__all__ = ["Answer", "Attack"]

HUNG = ("DEADLINE_EXCEEDED", "CANCELLED")


@dataclass(frozen=True)
class Answer:
    """How a request was answered.

    Attributes:
        code: name of the status code.
        reason: the trunk's reason; empty if it gave none.
        details: the message.
    """

    code: str
    reason: str
    details: str

    def __str__(self) -> str:
        """Return the answer as a tally's key."""
        return f"{self.code} {self.reason}".rstrip()


@dataclass(frozen=True)
class Attack:
    """A request that must be refused.

    Attributes:
        kind: what is wrong with it.
        method: name of the RPC.
        body: bytes of the message.
        reason: name of the reason for which it must be refused; empty if any reason will do.
        checksum: whether a checksum is added before sending, so that the request gets as far as possible.
    """

    kind: str
    method: str
    body: bytes
    reason: str = ""
    checksum: bool = True

    def finding(self, answer: Answer) -> str:
        """Return what is wrong with an answer; empty if it is a proper refusal."""
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
    """Return what is wrong with the code and the message that came with a reason."""
    refusal = REFUSALS.get(answer.reason)
    if refusal and answer.code != refusal.code:
        return f"was answered {answer}, whose code should be {refusal.code}"
    if refusal and not any(words in answer.details for words in refusal.words):
        return f"was answered {answer} without saying why: {answer.details!r}"
    return ""
