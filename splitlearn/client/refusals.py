"""The wire's refusals as messages for the user: which peer, what is saved, what to do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from splitlearn.config import TrainingConfig
from splitlearn.errors import TrunkUnavailableError
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.tls_probe import speaks_tls

__all__ = ["advised", "explained", "tls_advice"]

RESUME = "continue with --resume"
ADVICE = {
    Reason.TRANSPORT: "is `splitlearn trunk` running there, and is --trunk-address right?",
    Reason.UNKNOWN_SESSION: "the trunk loses this session repeatedly; see its log",
    Reason.STALE_INCARNATION: "another client has taken this session over, and this one stops; end the other one to "
    "continue here",
    Reason.SESSION_HELD: "give this run a --session of its own, or end the other one with --take-over",
    Reason.SAVE_FAILED: "mend that at the trunk, then start again",
    Reason.NO_CHECKPOINT: "give the trunk the --save-dir and the settings of that run, or put the missing files back; "
    "or else start a new run with another --session",
}


@contextmanager
def explained(config: TrainingConfig, saved: Callable[[], str] = lambda: "") -> Iterator[None]:
    """Turn refusals into `TrunkUnavailableError`.

    Args:
        config: names the trunk.
        saved: returns what can be resumed from, in words.
    """
    try:
        yield
    except WireError as error:
        left = saved()
        after = f"; {left}" + (f"; {RESUME}" if "checkpoint" in left else "") if left else ""
        raise TrunkUnavailableError(f"trunk at {config.trunk_address}: {advised(config, error)}{after}") from error


def advised(config: TrainingConfig, error: WireError) -> str:
    """Return what went wrong and what to do."""
    advice = ADVICE.get(error.reason, "mend this, then start again")
    return f"{error.message}{tls_advice(config, error)} ({advice})"


def tls_advice(config: TrainingConfig, error: WireError) -> str:
    """Return a hint if the trunk speaks TLS and this client does not; otherwise empty.

    For a host with several addresses, gRPC reports only how the last one failed.
    """
    plain = config.tls_ca is None and error.reason is Reason.TRANSPORT and "failed to connect" in error.message
    if plain and "give --tls-ca" not in error.message and speaks_tls(config.trunk_address):
        return "; the trunk speaks TLS: give --tls-ca"
    return ""
