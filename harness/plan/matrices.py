"""Scenarios in bulk: kills at every point, faults of every message, random pairs, and a long haul."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import product

from harness.plan.faults import (
    MESSAGE_FAILURES,
    NETWORK_FAILURES,
    VICTIMS,
    CutMessage,
    DropConnection,
    Fault,
    FlippedStream,
    Kill,
    MessageFault,
    NetworkFault,
    Partition,
    Pause,
    Restart,
    Victims,
)
from harness.plan.faults.damage import SPOTS
from harness.plan.faults.flip import PARTS
from harness.plan.faults.messages import CORRUPTIONS
from harness.plan.faults.toxic import Stream
from harness.plan.rpcs import RPCS, Rpc
from harness.plan.scenario import Scenario
from harness.plan.schedules import anywhere, every_few_steps, random_pair, storm
from harness.plan.variants import Variant, drawn_variant, variant_of
from harness.trace.place import At
from splitlearn.config import TrainingConfig
from splitlearn.points import POINTS, Frequency

__all__ = [
    "CONFIG",
    "LONG_HAUL_STEPS",
    "flips",
    "kill_matrix",
    "kill_matrix_ef",
    "long_haul",
    "network_matrix",
    "network_matrix_ef",
    "pairs",
    "storms",
]

# Small enough that a run takes seconds; three microbatches per step, a checkpoint after every second step, and a
# learning rate that is highest at the first, so that every step changes every weight.
CONFIG = TrainingConfig(
    model="tiny", cuts="1:3", vocab_size=512, dropout=0.1, data_format="lines", max_length=48, batch_size=2,
    gradient_accumulation_steps=3, learning_rate=1e-3, scheduler_type="cosine", max_steps=6,
    max_grad_norm=0.5, save_interval=2, rpc_timeout=3.0, retry_timeout=60.0,
)  # fmt: skip
RECORD_STEPS = (0, 2, 3)  # steps at which something happens: the client fetches the trunk's gradients
FIRST, MIDDLE, BEFORE_CHECKPOINT = 0, 2, 3
MICROBATCHES = 3  # of a step, or more: some fault hits each
PAIRS = 60
# A call's deadline and the longest pause before the next take 5 s, and a program starts in a few seconds.
RECOVERY_BOUND = 10.0
LONG_HAUL_STEPS = 300
# Enough flips of a part for all its bytes to have a chance; a connection is given up after three calls' deadlines.
FLIPS_PER_PART = 6
FLIPPED_RUNS, FLIPPED_STEPS = 10, 30
FLIP_RECOVERY_BOUND = 20.0
STORMS, STORM_STEPS = 40, 60


def scenario(name: str, title: str, *faults: Fault, config: TrainingConfig = CONFIG) -> Scenario:
    """Return a scenario with these faults."""
    return Scenario(name, title, config, faults=faults, record_steps=RECORD_STEPS, recovery_bound=RECOVERY_BOUND)


# Points of a trunk's start, before there is a client to kill.
ALONE = ("trunk.server.starting", "trunk.server.ready")
# Points that an undisturbed run does not pass, and what makes a run pass them.
LOSE_SESSION = Kill(At("trunk.backward.received", MIDDLE, 1), ("trunk",))
REACHED_BY: dict[str, tuple[Fault, ...]] = {
    "client.session.lost": (LOSE_SESSION,),
    "client.checkpoint.loading": (LOSE_SESSION,),
    "client.checkpoint.loaded": (LOSE_SESSION,),
    "trunk.checkpoint.loading": (LOSE_SESSION,),
    "trunk.checkpoint.loaded": (LOSE_SESSION,),
    "client.call.failed": (CutMessage(At("client.forward.sending", MIDDLE, 1), "upstream", 20),),
    "client.training.stopping": (Restart(At("client.forward.sent", MIDDLE, 1), "client"),),
    "trunk.server.stopping": (Restart(At("trunk.backward.received", MIDDLE, 1), "trunk"),),
}
# Points that are passed again, in a different state, after the session was lost.
AGAIN = (
    *ALONE,
    "client.session.opening", "client.session.opened", "trunk.session.opening", "trunk.session.opened",
)  # fmt: skip
# Such steps leave a norm that is not finite, so the following ones are skipped.
DIVERGING = CONFIG.but(optimizer_type="sgd", learning_rate=1e30, max_grad_norm=0.0, max_skipped=0)
SETTINGS: dict[str, TrainingConfig] = {
    "trunk.graph.recomputed": CONFIG.but(max_pending_bytes=1 << 20, batch_size=4),
    "client.step.skipped": DIVERGING,
}
# Packed, so that every step has the shapes of the one before and something is owed to it.
FEEDBACK = Variant({"codec": "topk-ef", "data_format": "packed"})
OWED_AT_TRUNK = 1 << 19  # bytes, or a little more; the rest is for microbatches, as without


def varied(cell: Scenario) -> Scenario:
    """Return a cell with one of the few variants."""
    return variant_of(cell.name).applied(cell)


def kill_matrix(vary: Callable[[Scenario], Scenario] = varied) -> Iterator[Scenario]:
    """Yield SIGKILL of client, trunk and both at every point: first step, a middle one, and one with a checkpoint."""
    for point, victims in product(POINTS, VICTIMS):
        for at, faults in places(point, victims):
            who = "-and-".join(victims)
            where = point + ("" if at.step is None else f"-{at.step}") + ("-again" if at.occurrence > 1 else "")
            title = f"Kill {' and '.join(victims)} at {at}"
            name, kill = f"kill-{who}-at-{where}", Kill(at, victims)
            if point in SETTINGS:
                yield scenario(name, title, *faults, kill, config=SETTINGS[point])
            else:
                yield vary(scenario(name, title, *faults, kill))


def places(point: str, victims: Victims) -> list[tuple[At, tuple[Fault, ...]]]:
    """Return where in a run a point is passed, and the faults without which it is not."""
    frequency, before = POINTS[point], REACHED_BY.get(point, ())
    again: list[tuple[At, tuple[Fault, ...]]] = [(At(point, occurrence=2), (LOSE_SESSION,))] if point in AGAIN else []
    if point in ALONE and "client" in victims:
        return again
    if frequency is Frequency.RUN:
        return [(At(point), before), *again]
    steps: tuple[int, ...] = (FIRST, MIDDLE, BEFORE_CHECKPOINT)
    if point == "client.step.skipped":
        steps = (BEFORE_CHECKPOINT,)
    elif frequency is Frequency.CHECKPOINT:
        steps = (2, CONFIG.max_steps)
    elif frequency is Frequency.MICROBATCH and point != "trunk.graph.recomputed":
        # Which graphs do not fit depends on the order in which requests arrive.
        turn = tuple(POINTS).index(point) + VICTIMS.index(victims)
        return [(At(point, step, (turn + step) % MICROBATCHES), before) for step in steps]
    return [(At(point, step), before) for step in steps]


def network_matrix(vary: Callable[[Scenario], Scenario] = varied) -> Iterator[Scenario]:
    """Yield every network fault at every RPC, with the request and with the reply in flight."""
    for rpc in RPCS:
        at_each = [rpc.at_microbatch(number) for number in range(MICROBATCHES)]
        cells = zip(*((*_connection_faults(place), *_message_faults(place)) for place in at_each), strict=True)
        for turn, choices in enumerate(cells):
            fault = choices[turn % MICROBATCHES]
            kind, side = fault.kind, "reply" if fault.at.point == rpc.replying.point else "request"
            spot = f"-{fault.spot}" if isinstance(fault, MessageFault) and fault.spot != "middle" else ""
            name, title = f"net-{rpc.method}-{side}-{kind}{spot}", f"{rpc.method}, {side}: {fault.detail}"
            faults = (LOSE_SESSION, fault) if rpc.method == "OpenSession" else (fault,)
            yield vary(scenario(name, title, *faults))


def kill_matrix_ef() -> Iterator[Scenario]:
    """Yield the kill matrix with error feedback, whose state must outlive all of it."""
    return _with_feedback(kill_matrix(lambda cell: cell))


def network_matrix_ef() -> Iterator[Scenario]:
    """Yield the network matrix with error feedback."""
    return _with_feedback(network_matrix(lambda cell: cell))


def _with_feedback(cells: Iterable[Scenario]) -> Iterator[Scenario]:
    for cell in cells:
        roomier = cell.but(max_pending_bytes=cell.config.max_pending_bytes + OWED_AT_TRUNK)
        yield replace(FEEDBACK.applied(roomier), name=f"{cell.name}-ef")


def _connection_faults(rpc: Rpc) -> Iterator[Fault]:
    """Return faults that break the connection during a call of the RPC, so that this very call fails."""
    # A connection that is closed before the request is in flight is reopened, and nothing fails.
    yield from (DropConnection(at, rpc.method) for at in (rpc.received, rpc.replying))
    sides: tuple[tuple[At, Stream], ...] = ((rpc.sending, "upstream"), (rpc.replying, "downstream"))
    for at, stream in sides:
        yield Partition(at, 1.0, rpc.method)
        yield CutMessage(at, stream, 20, rpc.method)
        yield from (NetworkFault(at, failure, stream, rpc.method) for failure in NETWORK_FAILURES)
    # Longer than the call's deadline.
    yield Pause(rpc.received, "client", 4.0)
    yield Pause(rpc.replying, "trunk", 4.0)


def _message_faults(rpc: Rpc) -> Iterator[Fault]:
    for failure in MESSAGE_FAILURES:
        for spot in SPOTS if failure in CORRUPTIONS else SPOTS[:1]:
            yield MessageFault(rpc.sending, failure, rpc.method, spot)


def flips() -> Iterator[Scenario]:
    """Yield runs with a bit altered in every part of HTTP/2, both ways, at seeded places; and many in one run."""
    for stream, parts in PARTS.items():
        for part, seed in product(parts, range(FLIPS_PER_PART)):
            name = f"flip-{stream}-{part.replace(' ', '-')}-{seed}"
            at = At("client.forward.sending", MIDDLE, 1)
            fault = FlippedStream(at, stream, part, seed)
            made = scenario(name, f"{fault.detail[:1].upper()}{fault.detail[1:]}", fault)
            yield replace(made, recovery_bound=FLIP_RECOVERY_BOUND)
    for seed in range(FLIPPED_RUNS):
        config = CONFIG.but(seed=seed, max_steps=FLIPPED_STEPS)
        faults = anywhere(seed, config.max_steps, config.gradient_accumulation_steps)
        made = scenario(f"flips-{seed}", f"{len(faults)} bits altered anywhere", *faults, config=config)
        yield replace(made, recovery_bound=FLIP_RECOVERY_BOUND)


def pairs() -> Iterator[Scenario]:
    """Yield runs with two faults of any kinds at places drawn from a seed."""
    for seed in range(PAIRS):
        plain = scenario(f"pair-{seed}", "", config=CONFIG.but(seed=seed, max_steps=8))
        drawn = drawn_variant(seed).applied(plain)
        faults = random_pair(seed, drawn.config.max_steps, drawn.config.gradient_accumulation_steps)
        title = " and ".join(f"{fault.detail} at {fault.at}" for fault in faults)
        yield replace(drawn, title=title[:1].upper() + title[1:] + drawn.title, faults=faults)


def long_haul(steps: int, name: str) -> Scenario:
    """Return a long run with a network fault every few steps; the trunk is killed early, both in the middle.

    So each life is long enough to measure its memory, if the whole run is.
    """
    config = CONFIG.but(max_steps=steps, save_interval=5)
    kills: dict[int, Victims] = {10: ("trunk",), steps // 2: ("client", "trunk")}
    faults = every_few_steps(steps, config.gradient_accumulation_steps, kills)
    made = scenario(name, f"{steps} steps, {len(faults)} faults", *faults, config=config)
    memory = ("memory",) if steps >= LONG_HAUL_STEPS else ()
    return replace(made, timeout=900.0, checks=(*made.checks, *memory))


def storms() -> Iterator[Scenario]:
    """Yield many runs under faults of every kind at places drawn from a seed; half an hour or more in total."""
    for seed in range(STORMS):
        config = CONFIG.but(seed=seed, max_steps=STORM_STEPS, save_interval=3)
        faults = storm(seed, STORM_STEPS, config.gradient_accumulation_steps)
        made = scenario(
            f"storm-{seed}", f"{STORM_STEPS} steps, {len(faults)} faults of every kind", *faults, config=config
        )
        yield replace(made, timeout=600.0, recovery_bound=FLIP_RECOVERY_BOUND)
