"""The scenarios that can be run by name."""

from collections.abc import Iterable
from itertools import product

from harness.plan.attacks import hostile_peers, hostile_trunk
from harness.plan.faults import CutMessage, DropConnection, Fault, Kill, Partition, Restart
from harness.plan.links import LOOPBACK, WAN_50MS, WAN_200MS
from harness.plan.matrices import (
    LONG_HAUL_STEPS,
    flips,
    kill_matrix,
    kill_matrix_ef,
    long_haul,
    network_matrix,
    network_matrix_ef,
    pairs,
    storms,
)
from harness.plan.outages import outages
from harness.plan.scenario import CHECKS, Scenario
from harness.plan.slow_links import slow_links
from harness.trace.place import At
from splitlearn.config import TrainingConfig
from splitlearn.registry import CODECS

__all__ = ["CATALOGUE", "QUICK", "scenarios_named"]

# Small enough that a run takes seconds, odd enough to show mistakes: ragged lines, dropout, accumulation, clipping.
SMALL = TrainingConfig(
    model="tiny", cuts="1:3", vocab_size=512, dropout=0.1, data_format="lines", max_length=48, batch_size=4,
    gradient_accumulation_steps=3, learning_rate=1e-3, warmup_steps=2, scheduler_type="cosine", max_steps=6,
    max_grad_norm=0.5, rpc_timeout=20.0, retry_timeout=60.0,
)  # fmt: skip
# What another client trains beside one that trains SMALL.
ANOTHER = SMALL.but(learning_rate=3e-3, scheduler_type="linear", batch_size=3, codec="zlib", max_steps=8)
CODECS_OF_THE_GRID = ("fp16", "raw", "zlib")  # the others have one scenario each
EDGE_AND_MIDDLE_CUTS = ("0:2", "1:3", "2:4")


def equivalence() -> Iterable[Scenario]:
    """Yield cuts, accumulation, clipping, codecs and optimizers, on padded batches with dropout."""
    optimizers = {"adamw": 1e-3, "sgd": 0.1}
    grid = product(EDGE_AND_MIDDLE_CUTS, (1, 3), (0.0, 0.5), CODECS_OF_THE_GRID, optimizers)
    for cuts, accumulation, norm, codec, optimizer in grid:
        clipping = f"clip-{norm:g}" if norm else "no-clip"
        name = f"cut-{cuts.replace(':', '-')}-accumulate-{accumulation}-{clipping}-{codec}-{optimizer}"
        title = f"Cut at {cuts}, {accumulation} microbatches a step, {clipping}, codec {codec}, {optimizer}"
        config = SMALL.but(
            cuts=cuts, gradient_accumulation_steps=accumulation, max_grad_norm=norm, codec=codec,
            optimizer_type=optimizer, learning_rate=optimizers[optimizer], max_steps=4,
        )  # fmt: skip
        yield Scenario(name, title, config)


def more_equivalence() -> Iterable[Scenario]:
    """Yield what the grid leaves out."""
    for codec in CODECS:
        if codec != SMALL.codec:
            yield Scenario(codec, f"Tensors coded as {codec} on the wire", SMALL.but(codec=codec))
    yield Scenario(
        "topk-ef-packed",
        "Error feedback where every step has the shapes of the one before, and both parties are killed",
        SMALL.but(codec="topk-ef", data_format="packed", max_steps=8, save_interval=3),
        faults=(Kill(At("client.backward.sent", 5, 1), ("client", "trunk")),),
    )
    yield Scenario("adam", "Adam with weight decay in the gradient", SMALL.but(optimizer_type="adam"))
    yield Scenario("eager", "Eager attention", SMALL.but(attention="eager"))
    yield Scenario("bfloat16", "bfloat16 autocast", SMALL.but(dtype="bfloat16"))
    yield Scenario("two-threads", "Two threads in every process", SMALL.but(threads=2))
    yield Scenario("smoothed-z-loss", "Label smoothing and z-loss", SMALL.but(label_smoothing=0.1, loss_type="z_loss"))
    yield Scenario(
        "one-forward-one-backward",
        "Six microbatches, two at a time",
        SMALL.but(schedule="1f1b", window=2, gradient_accumulation_steps=6, max_steps=4),
    )
    yield Scenario(
        "many-microbatches",
        "More microbatches than may be in flight at once",
        SMALL.but(schedule="1f1b", gradient_accumulation_steps=150, batch_size=1, max_length=16, max_steps=2),
    )
    yield Scenario(
        "small-tape",
        "A trunk that can keep one MiB computes forward passes again",
        SMALL.but(max_pending_bytes=1 << 20),
        expects=("trunk.graph.recomputed",),
    )
    yield Scenario(
        "epochs", "A text that is read twice; the last step of an epoch is small", SMALL, materials=("short text",)
    )
    yield Scenario("untied", "A head of its own", SMALL, materials=("untied",))
    yield Scenario(
        "skip-then-go-on",
        "The last microbatch of a step is not finite: the step is skipped, and leaves nothing to the next",
        SMALL.but(cuts="0:2"),
        expects=("client.step.skipped",),
        materials=("a step to skip",),
    )
    yield Scenario("packed", "Packed blocks", SMALL.but(data_format="packed"))
    yield Scenario("direct", "No proxy between the parties", SMALL, topology="direct")
    yield Scenario("local", "The trunk in the client's process", SMALL, topology="local")


def long_runs() -> Iterable[Scenario]:
    """Yield a hundred steps at each of three cuts."""
    for cuts in EDGE_AND_MIDDLE_CUTS:
        config = SMALL.but(cuts=cuts, max_steps=100)
        yield Scenario(f"equivalence-{cuts.replace(':', '-')}", f"A hundred steps, cut at {cuts}", config)


def latency() -> Iterable[Scenario]:
    """Yield the same training on slow links."""
    checks = ("equivalence", "exactly_once", "step_time", "traffic", "work", "peak_memory")
    for link in (LOOPBACK, WAN_50MS, WAN_200MS):
        title = f"Step time over {link.name}"
        yield Scenario(f"latency-{link.name}", title, SMALL, link=link, checks=checks, timed=True)
    mini = TrainingConfig(model="mini", cuts="1:5", batch_size=8, max_length=128, max_steps=8, vocab_size=2048)
    title = "Step time of a 6-layer, 384-wide model at batch 8x128 on loopback"
    yield Scenario("step-time", title, mini, checks=checks, timed=True)


def drop(point: str, microbatch: int | None = 1, step: int = 2) -> DropConnection:
    """Yield a run whose connection drops in the middle."""
    return DropConnection(At(point, step, microbatch))


FAULTS: dict[str, tuple[str, tuple[Fault, ...]]] = {
    "drop-request-forward": ("A forward pass's request is lost", (drop("client.forward.sent"),)),
    "drop-reply-forward": ("A forward pass's reply is lost", (drop("trunk.compute.received"),)),
    "drop-request-backward": ("A backward pass's request is lost", (drop("client.backward.sent"),)),
    "drop-reply-backward": ("A backward pass's reply is lost", (drop("trunk.backward.received"),)),
    "drop-before-commit": ("The connection drops between reply and commit", (drop("client.commit.decided", None),)),
    "drop-during-commit": ("The connection drops while the trunk commits", (drop("trunk.commit.received", None),)),
    "cut-request": (
        "A message to the trunk is cut in the middle",
        (CutMessage(At("client.step.started", 2), "upstream", 9_000),),
    ),
    "cut-reply": (
        "A message from the trunk is cut in the middle",
        (CutMessage(At("client.step.started", 2), "downstream", 9_000),),
    ),
    "partition": ("The network is down for two seconds", (Partition(At("client.forward.sent", 2, 1), 2.0),)),
    "many": (
        "Five faults in one run",
        (
            drop("client.forward.sent", 0, 1),
            CutMessage(At("client.step.started", 2), "downstream", 20_000),
            drop("trunk.commit.received", None, 3),
            drop("trunk.backward.received", 2, 4),
            Partition(At("client.commit.decided", 4), 0.5),
        ),
    ),
}


def fault_recovery() -> Iterable[Scenario]:
    """Yield connections that break at chosen points."""
    for name, (title, faults) in FAULTS.items():
        yield Scenario(name, title, SMALL, faults=faults)
    yield Scenario(
        "restart-trunk",
        "The trunk is asked to stop in the middle of a step, whose client saves first: no step is done twice",
        SMALL.but(max_steps=8, save_interval=4),
        faults=(Restart(At("trunk.backward.received", 5, 1), "trunk"),),
    )
    yield Scenario(
        "stop-between-halves",
        "A stop saves at a step of its own and is cut short between the halves, and so is the checkpoint after it",
        SMALL.but(max_steps=12, save_interval=4),
        faults=(
            Restart(At("client.forward.sent", 8, 1), "client"),
            Kill(At("trunk.checkpoint.saved", 9), ("client",)),
            Kill(At("trunk.checkpoint.saved", 12), ("client",)),
        ),
    )


def other_parties() -> Iterable[Scenario]:
    """Yield runs with other clients, with strangers to keep out, and with an export to check."""
    for name, title, material in (
        ("token", "A shared secret, and strangers without it", "token"),
        ("tls", "TLS through the proxy, and a token; strangers without either", "TLS"),
        ("mutual-tls", "TLS with a certificate on either side; strangers without one", "mutual TLS"),
    ):
        yield Scenario(name, title, SMALL, checks=(*CHECKS, "strangers"), materials=(material,))
    yield Scenario(
        "two-clients",
        "Two clients at one trunk, each with the bits of its own reference",
        SMALL,
        checks=("equivalence", "exactly_once", "other_clients"),
        other_clients=(ANOTHER,),
    )
    yield Scenario(
        "three-clients",
        "Three clients at one trunk: their connections drop, and then the trunk is killed, while all of them train",
        SMALL.but(max_steps=8, save_interval=3),
        checks=("equivalence", "exactly_once", "other_clients", "faults", "liveness", "detection", "peak_memory"),
        other_clients=(
            ANOTHER.but(save_interval=2, max_steps=12),
            SMALL.but(learning_rate=5e-4, gradient_accumulation_steps=2, max_grad_norm=0.0, codec="fp16", max_steps=12),
        ),
        faults=(drop("client.forward.sent"), Kill(At("client.backward.sent", 4, 1), ("trunk",))),
    )
    yield Scenario(
        "export",
        "The trained model is exported and loaded by the library",
        SMALL.but(save_interval=2),
        checks=("equivalence", "exactly_once", "export"),
    )


def convergence() -> Iterable[Scenario]:
    """Yield a training run on real text, with a model of a few million parameters."""
    config = TrainingConfig(
        model="micro", cuts="1:3", vocab_size=512, max_length=64, batch_size=8, learning_rate=1e-3, max_steps=120,
        warmup_steps=10, scheduler_type="cosine", dropout=0.0,
    )  # fmt: skip
    checks = ("equivalence", "exactly_once", "work", "traffic", "peak_memory", "convergence")
    yield Scenario("convergence", "A GPT-2 of 3.6 million parameters learns", config, checks=checks, loss_below=4.7)


def main_job() -> Iterable[Scenario]:
    """Yield the scenario of `make run`."""
    config = TrainingConfig(
        model="micro", cuts="1:3", vocab_size=512, max_length=64, batch_size=8, gradient_accumulation_steps=2,
        learning_rate=1e-3, max_steps=60, warmup_steps=5, scheduler_type="cosine", save_interval=20,
    )  # fmt: skip
    faults = (drop("trunk.backward.received", 1, 15), Kill(At("trunk.commit.received", 33), ("trunk",)))
    checks = ("equivalence", "exactly_once", "faults", "liveness", "detection", "work", "peak_memory", "convergence")
    title = "Real text over a 50 ms link, with a dropped connection and a killed trunk"
    yield Scenario("main", title, config, link=WAN_50MS, faults=faults, checks=checks, loss_below=5.2)


def long_hauls() -> Iterable[Scenario]:
    """Yield runs with a fault every few steps."""
    yield long_haul(LONG_HAUL_STEPS, "long-haul")
    yield long_haul(40, "short-haul")


def hostile() -> Iterable[Scenario]:
    """Yield runs with malformed requests from strangers."""
    yield hostile_peers("hostile-peers-quick", SMALL.but(max_steps=84), 20_000)
    yield hostile_peers("hostile-peers-full", SMALL.but(max_steps=200), 105_000)


def lying() -> Iterable[Scenario]:
    """Yield runs with a trunk that lies to clients."""
    yield hostile_trunk("hostile-trunk-quick", SMALL.but(max_steps=2), 2_000)
    yield hostile_trunk("hostile-trunk-full", SMALL.but(max_steps=2), 20_000)


GROUPS = {
    "equivalence-grid": equivalence,
    "equivalence-more": more_equivalence,
    "equivalence": long_runs,
    "latency": latency,
    "slow-links": slow_links,
    "fault-recovery": fault_recovery,
    "other-parties": other_parties,
    "kill-matrix": kill_matrix,
    "kill-matrix-ef": kill_matrix_ef,
    "network-matrix": network_matrix,
    "network-matrix-ef": network_matrix_ef,
    "pairs": pairs,
    "long-hauls": long_hauls,
    "flips": flips,
    "storms": storms,
    "detection": outages,
    "hostile-peers": hostile,
    "hostile-trunk": lying,
    "convergence": convergence,
    "main": main_job,
}
CATALOGUE = {group: tuple(make()) for group, make in GROUPS.items()}
QUICK = ("local", "direct", "zlib", "fp16", "drop-reply-backward", "cut-reply", "partition")


def scenarios_named(name: str) -> tuple[Scenario, ...]:
    """Return the scenarios of a group, or the one of that name.

    Raises:
        KeyError: there is no such scenario.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    by_name = {scenario.name: scenario for group in CATALOGUE.values() for scenario in group}
    return (by_name[name],)
