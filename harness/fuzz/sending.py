"""Sends malformed requests until there are enough."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain, islice

from harness.fuzz.attack import Attack
from harness.fuzz.calls import Calls
from harness.fuzz.raw import HttpAttack, ending
from harness.fuzz.report import PROGRESS_EVERY, FuzzReport, Tally
from harness.fuzz.sequence import attacks
from harness.fuzz.target import Target

__all__ = ["fuzz"]

# Number in flight at a time.
SENDERS = 24


def fuzz(
    target: Target,
    seed: int,
    count: int,
    stop: threading.Event,
    on_progress: Callable[[int], None] = lambda _: None,
) -> FuzzReport:
    """Send malformed requests, and open connections that are not HTTP/2.

    One seed gives one sequence; the order among those in flight is not determined.

    Args:
        target: where to.
        seed: decides which.
        count: how many at most.
        stop: ends it early.
        on_progress: called with the number answered: 0 when the first is ready, then from time to time.
    """
    planned = islice(attacks(target, seed), count)
    first = list(islice(planned, SENDERS))  # takes seconds, because it prepares all others too
    on_progress(0)
    return asyncio.run(_send_all(target, chain(first, planned), stop, on_progress))


async def _send_all(
    target: Target,
    planned: Iterator[Attack | HttpAttack],
    stop: threading.Event,
    on_progress: Callable[[int], None],
) -> FuzzReport:
    tally, started = Tally(), time.monotonic()

    async def send(attack: Attack | HttpAttack) -> None:
        if isinstance(attack, HttpAttack):
            how = await ending(target.address, attack)
            problem = "the trunk did not close it in time" if how == "still open" else ""
            tally.add(attack.kind, ("connection", attack.data), how, problem)
        else:
            answer = await calls.send(attack)
            tally.add(attack.kind, (attack.method, attack.body), str(answer), attack.finding(answer))
        if tally.sent % PROGRESS_EVERY == 0:
            on_progress(tally.sent)

    async def sender() -> None:
        # One thread draws for all of them, in the order of the sequence.
        for attack in planned:
            await send(attack)
            if stop.is_set():
                return

    async with Calls(target) as calls:
        await asyncio.gather(*(sender() for _ in range(SENDERS)))
    return tally.report(time.monotonic() - started)
