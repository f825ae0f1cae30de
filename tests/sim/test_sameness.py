"""What repeated requests get, and tensors of several sessions at one trunk: both are compared, each with its own."""

from dataclasses import replace

import pytest
from sim.worlds import CONFIG, scenario_of, simulated

from harness.plan.faults import Kill, MessageFault
from harness.sim.simulation import Simulation
from harness.sim.stub import stub_parts
from harness.trace.place import At
from splitlearn.trunk.checkpoints import TrunkCheckpoints
from splitlearn.trunk.service import TrunkService
from splitlearn.trunk.session import TrunkSession
from splitlearn.trunk.sessions import Sessions

LOST = "lose-reply"
AFTER_A_SAVE = Kill(At("client.step.started", 5), ("client",))
OTHER = CONFIG.but(learning_rate=2 * CONFIG.learning_rate)
EVERY_STEP = tuple(range(CONFIG.max_steps))


def answers_anew(monkeypatch, owner, name, change):
    """Let every answer of a method of the trunk be changed a bit, each in another way."""
    method, count = getattr(owner, name), 0

    def replaced(self, *arguments):
        nonlocal count
        count += 1
        return change(method(self, *arguments), count)

    monkeypatch.setattr(owner, name, replaced)


def with_norms(result, count):
    return replace(result, norms={name: norm + count for name, norm in result.norms.items()})


def larger(reply, count):
    reply.max_message_bytes += count
    return reply


@pytest.mark.parametrize(
    ("fault", "method", "owner", "name", "change"),
    [
        (
            MessageFault(At("client.forward.sending", 3, 0), LOST, "Compute"),
            "Compute", TrunkSession, "forward", lambda features, count: features + count,
        ),
        (
            MessageFault(At("client.backward.sending", 3, 1), LOST, "Backward"),
            "Backward", TrunkSession, "backward", with_norms,
        ),
        (
            MessageFault(At("client.gradients.sending", 3), LOST, "GetGradients"),
            "GetGradients", TrunkSession, "gradients",
            lambda gradients, count: {name: gradient + count for name, gradient in gradients.items()},
        ),
        (
            MessageFault(At("client.checkpoint.started", 3), LOST, "SyncTrainingState"),
            "SyncTrainingState", TrunkCheckpoints, "save", lambda digest, count: f"{count}{digest}",
        ),
        (
            MessageFault(At("client.session.opening"), LOST, "OpenSession"),
            "OpenSession", TrunkService, "open_session", larger,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_repeated_request_gets_the_first_reply(monkeypatch, fault, method, owner, name, change):
    scenario = scenario_of(fault, record_steps=EVERY_STEP)
    assert simulated(scenario).violation is None

    answers_anew(monkeypatch, owner, name, change)
    violation = Simulation(scenario, stub_parts).run().violation

    assert "same reply" == violation.invariant
    assert f"a repeated {method} " in violation.message


def test_the_next_life_gets_the_replies_that_the_last_one_got(monkeypatch):
    scenario = scenario_of(AFTER_A_SAVE)
    assert simulated(scenario).violation is None

    answers_anew(monkeypatch, TrunkSession, "forward", lambda features, count: features + count)
    violation = Simulation(scenario, stub_parts).run().violation

    assert "same reply" == violation.invariant
    assert "step 3, microbatch 0: a repeated Compute" in violation.message


@pytest.mark.parametrize("session", ["run", "run-2"])
def test_tensors_of_every_session_are_compared_at_a_trunk_that_they_share(monkeypatch, session):
    scenario = scenario_of(other_clients=(OTHER,))
    expected = Simulation(scenario, stub_parts).run()
    assert expected.violation is None
    assert simulated(scenario, expected=expected).bits["trunk"].compared == len(expected.bits["trunk"])

    served = []
    get, commit = Sessions.get, TrunkSession.commit

    def note(self, name, incarnation):
        served.append(name)
        return get(self, name, incarnation)

    def commits_too_fast(self, decided):
        wrong = decided.step == 3 and served[-1] == session
        commit(self, replace(decided, learning_rate=2 * decided.learning_rate) if wrong else decided)

    monkeypatch.setattr(Sessions, "get", note)
    monkeypatch.setattr(TrunkSession, "commit", commits_too_fast)
    violation = simulated(scenario, expected=expected).violation

    assert "bits" == violation.invariant
    assert violation.message.startswith(f"session {session!r}: trunk: trunk update of step 3")
