"""The wire's refusals as messages for the user: which peer, what is saved, what to do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from splitlearn.config import TrainingConfig
from splitlearn.errors import TrunkUnavailableError
from splitlearn.wire.errors import Reason, WireError

__all__ = ["explained"]

RESUME = "continue with --resume"
ADVICE = {
    Reason.TRANSPORT: "is `splitlearn trunk` running there, and is --trunk-address right?",
    Reason.UNKNOWN_SESSION: "the trunk loses this session again and again; see its log",
    Reason.STALE_INCARNATION: "another client has taken this session over, and this one stops; end the other one to "
    "continue here",
    Reason.SAVE_FAILED: "mend that at the trunk, then start again",
    Reason.NO_CHECKPOINT: "give the trunk the --save-dir and the settings of that run, or put the missing files back; "
    "else train anew with another --session",
}


@contextmanager
def explained(config: TrainingConfig, saved: Callable[[], str] = lambda: "") -> Iterator[None]:
    """Turn refusals into `TrunkUnavailableError`.

    Args:
        config: names the trunk.
        saved: says what there is to resume from.
    """
    try:
        yield
    except WireError as error:
        advice = ADVICE.get(error.reason, "mend this, then start again")
        left = saved()
        after = f"; {left}" + (f"; {RESUME}" if "checkpoint" in left else "") if left else ""
        raise TrunkUnavailableError(f"trunk at {config.trunk_address}: {error.message} ({advice}){after}") from error
