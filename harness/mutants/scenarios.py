"""The smallest scenarios that can reveal a bug; mutants share them, because each configuration needs a reference."""

from collections.abc import Sequence
from dataclasses import replace

from harness.plan.catalogue import scenarios_named
from harness.plan.faults import DropConnection, Fault, Kill, MessageFault, Partition
from harness.plan.links import LinkProfile
from harness.plan.scenario import Scenario
from harness.trace.place import At
from splitlearn.config import TrainingConfig

__all__ = [
    "CLIENT_KILLED", "CODED", "DIRECT", "EPOCHS", "FOUR_STEPS", "HALVED", "HANGING", "KILLED_BETWEEN_HALVES",
    "LATE_FORWARD", "LONG", "LOST_REPLY", "NO_DROPOUT", "PARTITIONED", "SCALED", "SGD", "SHORT_LINES", "SKIP",
    "SLOW_LINK", "SMALL_TAPE", "SMOOTHED", "THREE_MICROBATCHES", "THROUGH_PROXY", "TRUNK_KILLED", "TWO_CLIENTS",
    "named",
]  # fmt: skip

# The smallest model, with padding, dropout, accumulation, clipping and a decaying learning rate.
CONFIG = TrainingConfig(
    model="tiny", cuts="1:3", vocab_size=300, dropout=0.1, data_format="lines", max_length=24, batch_size=2,
    gradient_accumulation_steps=2, learning_rate=1e-2, scheduler_type="cosine", max_steps=3, max_grad_norm=0.5,
    rpc_timeout=20.0, retry_timeout=20.0, seed=3,
)  # fmt: skip


def small(name: str, title: str, faults: Sequence[Fault] = (), **settings: object) -> Scenario:
    """Return a scenario with a few steps on a short text, in which all tensors are kept whole."""
    config = CONFIG.but(**settings)
    return Scenario(
        f"mutant-{name}",
        title,
        config,
        topology="proxy" if faults else "direct",
        faults=tuple(faults),
        materials=("short text",),
        timeout=60.0,
        record_steps=tuple(range(config.max_steps)),
    )


def named(name: str) -> Scenario:
    """Return a scenario of the catalogue by name."""
    (scenario,) = scenarios_named(name)
    return scenario


DIRECT = small("direct", "Padding, dropout, accumulation and clipping")
FOUR_STEPS = small("four-steps", "A rate that decays over four steps, after warm-up", max_steps=4, warmup_steps=2)
THREE_MICROBATCHES = small("three-microbatches", "Three microbatches a step", gradient_accumulation_steps=3)
EPOCHS = small("epochs", "Two epochs, each ending with a smaller step", batch_size=4, max_steps=6)
NO_DROPOUT = small("no-dropout", "No dropout", dropout=0.0)
SGD = small("sgd", "SGD with momentum", optimizer_type="sgd", learning_rate=0.1)
SMOOTHED = small("smoothed", "Label smoothing and z-loss", label_smoothing=0.1, loss_type="z_loss")
HALVED = small("halved", "Tensors encoded as fp16 on the wire", codec="fp16")
CODED = replace(small("coded", "Tensors compressed on the wire", codec="zlib"), topology="proxy")
THROUGH_PROXY = replace(DIRECT, name="mutant-proxy", title="The same through the proxy", topology="proxy")
SCALED = replace(
    DIRECT, name="mutant-scaled", title="Attention scaled by the block's index", materials=("short text", "scaled")
)
SHORT_LINES = small("short-lines", "Lines longer than the maximum sequence length", max_length=12)
HANGING = replace(small("hanging", "A run that is stopped at its deadline", rpc_timeout=5.0), timeout=12.0)
SMALL_TAPE = replace(
    small(
        "small-tape",
        "A trunk that may keep 1 MiB of activations recomputes forward passes",
        batch_size=8,
        max_pending_bytes=1 << 20,
    ),
    expects=("trunk.graph.recomputed",),
)
# The reply is lost, so the client repeats the request.
LOST_REPLY = small(
    "lost-reply", "A backward pass's reply is lost", [DropConnection(At("trunk.backward.received", 1, 1))]
)
PARTITIONED = small(
    "partitioned", "The network is down for two seconds", [Partition(At("client.forward.sent", 1, 1), 2.0)]
)
LATE_FORWARD = small(
    "late-forward",
    "A forward pass arrives after the next incarnation has opened the session",
    [MessageFault(At("client.forward.sending", 3, 1), "late", "Compute")],
    max_steps=6,
    save_interval=2,
)
# With a checkpoint every two steps, both sides roll back from step 3 to step 2.
KILLED_AT = At("trunk.backward.received", 3, 1)
CLIENT_KILLED, TRUNK_KILLED = (
    small(
        f"{party}-killed",
        f"The {party} is killed and resumes",
        [Kill(KILLED_AT, (party,))],
        max_steps=6,
        save_interval=2,
    )
    for party in ("client", "trunk")
)
KILLED_BETWEEN_HALVES = small(
    "killed-between-halves",
    "The client is killed after only the trunk has saved",
    [Kill(At("trunk.checkpoint.saved", 4), ("client",))],
    max_steps=6,
    save_interval=2,
)
SKIP = named("skip-then-go-on")
TWO_CLIENTS = replace(
    DIRECT,
    name="mutant-two-clients",
    title="Two clients at one trunk",
    checks=("equivalence", "exactly_once", "other_clients"),
    other_clients=(CONFIG.but(learning_rate=3e-3, max_steps=8),),
    record_steps=(),
)
# Runs that are judged by their time and memory.
SLOW_LINK = replace(
    DIRECT,
    name="mutant-slow-link",
    title="A link whose delay dominates the step time",
    topology="proxy",
    link=LinkProfile("far", 300, 0, 0, 0, "by hand"),
    timed=True,
    checks=("equivalence", "step_time"),
    record_steps=(),
)
LONG = replace(
    small("long", "Enough steps for memory to grow", max_steps=200, batch_size=1, gradient_accumulation_steps=1),
    checks=("equivalence", "memory"),
    record_steps=(),
    timeout=120.0,
)
