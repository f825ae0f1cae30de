"""Lies to clients, one lie after another: each must lead to a retry or a typed error, and nothing else."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator

from harness.fuzz.liar import Liar
from harness.fuzz.lie import Lie, altered
from harness.fuzz.lies import LIES
from harness.fuzz.report import PROGRESS_EVERY, FuzzReport, Tally
from harness.fuzz.sequence import drawn_from
from harness.fuzz.tracebacks import tracebacks
from harness.fuzz.victim import HONEST, OPERATIONS, UNHEARD, Victim
from splitlearn.wire.errors import WireError

__all__ = ["lie_to_clients"]

ALTERED_SHARE = 0.5
# A call with one message too many waits for its deadline: gRPC reads one message and no further.
SLOW, SLOW_EVERY = "a message before the reply", 400
# After each of these the client closes its connection, which takes a fifth of a second.
RARE, RARE_SHARE = frozenset({"close", "leave"}), 0.25
FEWEST_EXAMPLES, MOST_EXAMPLES = 20, 120


def lie_to_clients(
    seed: int, count: int, stop: threading.Event, on_progress: Callable[[int], None] = lambda _: None
) -> FuzzReport:
    """Lie `count` times, to one call after another; the same seed gives the same lies.

    Args:
        seed: decides lies and calls.
        count: largest number of lies.
        stop: ends it early.
        on_progress: called with the number of lies told: 0 when the first is ready, then from time to time.
    """
    lies, chance = _lies(seed, count), random.Random(seed)  # noqa: S311 - repeatable, not secret
    tally, started = Tally(), time.monotonic()
    on_progress(0)
    with tracebacks() as printed, Liar(HONEST) as liar:
        client = Victim(liar.address)
        client.ready()
        truth = {name: operation(client) for name, operation in OPERATIONS.items()}
        names = sorted(OPERATIONS)
        shares = [RARE_SHARE if name in RARE else 1.0 for name in names]
        while tally.sent < count and not stop.is_set():
            lie, (name,) = next(lies), chance.choices(names, shares)
            client.ready()
            before, told_before = len(printed), len(liar.told)
            liar.tell(lie)
            outcome, problem = _outcome(client, name, lie, truth[name])
            liar.tell(None)
            told_to = liar.told[told_before:]
            if not told_to:
                problem = problem or "was not told"
            elif name in UNHEARD and told_to != [UNHEARD[name]]:
                problem = problem or f"was told to a later call: {told_to[0]}"
            for traceback in printed[before:]:
                problem = problem or f"left a traceback: {traceback}"
            tally.add(lie.kind, (name, lie.content), outcome, problem)
            if tally.sent % PROGRESS_EVERY == 0:
                on_progress(tally.sent)
        client.hang_up()
    return tally.report(time.monotonic() - started)


def _lies(seed: int, count: int) -> Iterator[Lie]:
    """Yield lies without end; some of them have altered bytes."""
    examples = min(MOST_EXAMPLES, max(FEWEST_EXAMPLES, count // 40))
    pool = {kind: drawn_from(strategy, seed, examples) for kind, strategy in LIES.items()}
    chance, kinds = random.Random(seed), sorted({*LIES} - {SLOW})  # noqa: S311 - repeatable, not secret
    for number in itertools.count():
        lie = chance.choice(pool[chance.choice(kinds) if number % SLOW_EVERY else SLOW])
        yield altered(lie, chance) if number % SLOW_EVERY and chance.random() < ALTERED_SHARE else lie


def _outcome(client: Victim, name: str, lie: Lie, truth: object) -> tuple[str, str]:
    """Make a call; return how it ended, and what is wrong with that."""
    try:
        found = OPERATIONS[name](client)
    except WireError as error:
        words = "" if str(error).isprintable() else f"has words that are not printable: {error!r}"
        believed = "" if lie.belief == "anything" and name not in UNHEARD else f"ended the call: {error}"
        return f"refused {error.reason.value}", words or believed
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        return type(error).__name__, f"raised {error!r}"
    if name in UNHEARD:
        return "ignored", "" if found == truth else f"changed what came after: {found}"
    if client.failures:
        same = found == truth or lie.belief == "anything"
        return f"retried after {client.failures[0].reason.value}", "" if same else f"led to another answer: {found}"
    if lie.belief == "failure":
        return "believed", f"was believed: {found}"
    return "taken", "" if lie.belief == "anything" or found == truth else f"was taken for another answer: {found}"
