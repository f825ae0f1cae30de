"""A run that has not shown what it was meant to show is VOID, and VOID is not success."""

from dataclasses import dataclass, replace

import pytest

from harness.plan.faults import DropConnection, Kill, Pause
from harness.plan.faults.effects import DeliverLate
from harness.plan.matrices import CONFIG, scenario
from harness.trace.place import At
from harness.trace.verdict import Verdict

# There is room for every graph, so that none is computed again.
NEVER = At("trunk.graph.recomputed", 2)
HERE = At("client.forward.sent", 2, 1)
PLAIN = scenario("plain", "Nothing happens")


@dataclass(frozen=True)
class LateWithoutRelay(DropConnection):
    """Needs a relay, which only a run with a `MessageFault` has."""

    def script(self):
        yield DeliverLate()


def with_checks(name, *checks, faults=()):
    return replace(PLAIN, name=name, checks=checks, faults=faults, record_steps=())


VOIDS = {
    "a fault that was planned and did not fire": (
        scenario("never-fired", "A kill at a point that is not passed", Kill(NEVER, ("trunk",))),
        "kill-trunk@trunk.graph.recomputed.2 did not fire",
    ),
    "one fault of two that did not fire": (
        scenario(
            "half-fired", "A kill that comes and one that does not", Kill(HERE, ("client",)), DropConnection(NEVER)
        ),
        "drop@trunk.graph.recomputed.2 did not fire",
    ),
    "a fault that left no mark": (
        # No connection is open yet: nothing can break. The run ends before anybody must notice, however slow it is.
        scenario(
            "unmarked",
            "A drop before anything is connected",
            DropConnection(At("client.session.opening", 0)),
            config=CONFIG.but(rpc_timeout=60.0),
        ),
        "drop@client.session.opening.0 left no mark",
    ),
    "a fault that cannot be injected": (
        scenario("no-relay", "A message fault without a relay", LateWithoutRelay(HERE)),
        "not injected: there is no relay to break here",
    ),
    "a run without a check": (with_checks("no-check"), ""),
    "bytes that were not counted": (with_checks("no-bytes", "traffic", faults=(Pause(HERE, "client", 0.1),)), ""),
    "a fault that fired in a run whose bits were not checked": (
        with_checks("no-bits", "faults", faults=(Pause(HERE, "client", 0.1),)),
        "",
    ),
    "a point that was never passed": (
        replace(with_checks("no-point", "expectations"), expects=("trunk.graph.recomputed",)),
        "trunk.graph.recomputed never passed",
    ),
    "memory that was not measured often enough": (with_checks("no-memory", "memory"), "samples"),
}


@pytest.mark.parametrize(("void", "reason"), VOIDS.values(), ids=VOIDS)
def test_void(harness_testbed, void, reason):
    from harness.engine.run import run_scenario  # noqa: PLC0415 - needs torch, for which collecting must not wait

    outcome = run_scenario(void, harness_testbed)

    assert Verdict.VOID is outcome.verdict
    assert reason in " ".join(check.reading for check in outcome.checks if check.verdict is Verdict.VOID)
    assert Verdict.FAIL not in {check.verdict for check in outcome.checks}
