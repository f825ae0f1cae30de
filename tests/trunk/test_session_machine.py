"""Whatever order and however often the requests of a run arrive, its bits are those of the undisturbed run.

Shapes: B sequences, T positions, H hidden width.
"""

import pytest
import torch
from exactness.uncut import same_bits
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from trunk.undisturbed import MICROBATCHES, SKIPPED, STEPS, Undisturbed, commit_of

from splitlearn.config import TrainingConfig
from splitlearn.models.family import fingerprint
from splitlearn.trunk.session import TrunkSession
from splitlearn.trunk.tape import TapeEntry
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.trunk_link import Commit, Position

INPUT_BYTES = TapeEntry(torch.zeros(2, 6, 32), torch.ones(2, 6, dtype=torch.int64)).input_nbytes
# From one input alone in its half, over a few, to everything.
LIMITS = (2 * INPUT_BYTES, 3 * INPUT_BYTES, 6 * INPUT_BYTES, 80_000, 600_000, 10**8)

microbatches = st.integers(0, MICROBATCHES - 1)


class Interleaving(RuleBasedStateMachine):
    """Requests of a run in any order, repeated and too early or late; what was evicted is sent again."""

    def __init__(self, run):
        super().__init__()
        self.run = run
        self.answered = {}
        # Number of microbatches released, by step.
        self.released = {}

    @initialize(limit=st.sampled_from(LIMITS))
    def start(self, limit):
        """Start with some limit of memory."""
        self.limit = limit
        self.session = self.run.session(limit)

    @property
    def step(self):
        """The step in progress."""
        return self.session.applied_step

    @property
    def unfinished(self):
        """Whether a step is left."""
        return self.step < STEPS

    def forward(self, at, commit=None):
        """Send a forward pass and compare its answer."""
        smashed_BTH = self.run.smashed[at.step, at.microbatch]
        assert same_bits(self.run.features[at], self.session.forward(at, smashed_BTH, self.run.mask_BT, commit))

    def backward(self, at):
        """Send a backward pass and compare its answer; return the reason when it was refused."""
        try:
            result = self.session.backward(at, self.run.features_grad[at.step, at.microbatch])
        except WireError as error:
            return error.reason
        assert same_bits(self.run.smashed_grad[at], result.smashed_grad_BTH)
        complete = len({*self.answered, at.microbatch}) == MICROBATCHES
        expected = self.answered.setdefault(at.microbatch, self.run.norms[at.step] if complete else {})
        assert expected == result.norms, "the last to join gets the norms, and a repetition what it got before"
        return None

    @precondition(lambda self: self.unfinished)
    @rule(microbatch=microbatches, with_commit=st.booleans())
    def send_forward(self, microbatch, with_commit):
        """A forward pass, perhaps again, perhaps with the commit that it rode in with."""
        commit = commit_of(self.step - 1) if with_commit and self.step else None
        self.forward(Position(self.step, microbatch, MICROBATCHES), commit)

    @precondition(lambda self: self.unfinished)
    @rule(microbatch=microbatches)
    def send_backward(self, microbatch):
        """A backward pass, perhaps too early, perhaps again."""
        assert self.backward(Position(self.step, microbatch, MICROBATCHES)) in (
            None,
            Reason.FORWARD_NEEDED,
            Reason.OUT_OF_ORDER,
        )

    @precondition(lambda self: self.unfinished)
    @rule(most=st.integers(1, MICROBATCHES))
    def release(self, most):
        """The client has the gradients of the first microbatches: the trunk keeps nothing of those."""
        joined = next((each for each in range(MICROBATCHES) if each not in self.answered), MICROBATCHES)
        finished = min(most, joined)
        self.session.release(Position(self.step, 0, MICROBATCHES), finished)
        self.released[self.step] = max(finished, self.released.get(self.step, 0))

    @precondition(lambda self: self.unfinished)
    @rule(order=st.permutations(range(MICROBATCHES)))
    def finish(self, order):
        """What is not released, in some order, as a client that asks again sends it; then the gradients are whole."""
        waiting = [microbatch for microbatch in order if microbatch >= self.released.get(self.step, 0)]
        while waiting:
            at = Position(self.step, waiting.pop(0), MICROBATCHES)
            refused = self.backward(at)
            if refused is Reason.FORWARD_NEEDED:
                self.forward(at)
                refused = self.backward(at)
            if refused is Reason.OUT_OF_ORDER:
                waiting.append(at.microbatch)
            else:
                assert refused is None
        actual = self.session.gradients()
        assert self.run.gradients[self.step].keys() == actual.keys()
        assert all(same_bits(gradient, actual[name]) for name, gradient in self.run.gradients[self.step].items())

    @precondition(lambda self: self.unfinished)
    @rule()
    def commit(self):
        """The end of the step, which is refused as long as a microbatch is missing."""
        step = self.step
        if len(self.answered) == MICROBATCHES or step == SKIPPED:
            self.session.commit(commit_of(step))
            assert step + 1 == self.step
            self.answered.clear()
        else:
            with pytest.raises(WireError, match=f"step {step}: .* of .* microbatches accumulated") as caught:
                self.session.commit(commit_of(step))
            assert Reason.INCOMPLETE_STEP is caught.value.reason

    @precondition(lambda self: self.step > 0)
    @rule()
    def commit_again(self):
        """A repeated commit changes nothing."""
        before = self.step
        self.session.commit(commit_of(before - 1))
        assert before == self.step

    @rule(distance=st.sampled_from((-2, -1, 1, 5)), microbatch=microbatches)
    def ask_for_another_step(self, distance, microbatch):
        """Requests of other steps are refused whatever they ask."""
        step = self.step + distance
        if step < 0:
            return
        at = Position(step, microbatch, MICROBATCHES)
        expected = Reason.STEP_IN_PAST if distance < 0 else Reason.STEP_IN_FUTURE
        tensor_BTH = self.run.smashed[0, 0]
        requests = [
            lambda: self.session.forward(at, tensor_BTH, self.run.mask_BT, None),
            lambda: self.session.backward(at, tensor_BTH),
        ]
        if distance != -1:
            requests.append(lambda: self.session.commit(Commit(step, 0.1, None, skip=False)))
        for request in requests:
            with pytest.raises(WireError) as caught:
                request()
            assert expected is caught.value.reason

    @rule()
    def look_away(self):
        """Inference in between changes nothing."""
        self.session.infer(self.run.smashed[0, 0], self.run.mask_BT)
        torch.rand(3)

    @invariant()
    def weights_are_those_of_the_undisturbed_run(self):
        """Each step was applied exactly once."""
        assert self.run.weights[self.step] == fingerprint(self.session.weights())

    @invariant()
    def memory_is_bounded(self):
        """The tape and the gradients that wait never keep more than they may together, and the count is right."""
        tape = self.session._tape
        assert tape.nbytes + self.session._accumulator.waiting_nbytes <= self.limit
        assert tape.nbytes == sum(entry.nbytes for entry in tape.entries.values())
        assert all(microbatch >= self.released.get(self.step, 0) for microbatch in tape.entries)


@pytest.fixture(scope="module")
def undisturbed(small_model):
    return Undisturbed(TrainingConfig(model=str(small_model()), cuts="1:2", seed=7))


def test_any_interleaving_gives_the_bits_of_the_undisturbed_run(undisturbed):
    run_state_machine_as_test(
        lambda: Interleaving(undisturbed),
        settings=settings(
            max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


class AppliesTwice(TrunkSession):
    """The planted bug: a commit that is repeated is applied again."""

    def commit(self, commit):
        """Forget that it was applied."""
        if self._last_commit == commit and commit.step == self.applied_step - 1:
            for parameter in self._parameters.values():
                parameter.data.mul_(1 - commit.learning_rate)
            return
        super().commit(commit)


class JoinsTwice(TrunkSession):
    """The planted bug: a backward pass that is repeated joins the gradients again."""

    def backward(self, at, features_grad_BTH):
        """Forget that it was seen."""
        if at.microbatch in self._accumulator._seen and at.microbatch in self._tape.entries:
            self._accumulator._join([torch.ones_like(p) for p in self._parameters.values()])
        return super().backward(at, features_grad_BTH)


class KeepsTooMuch(TrunkSession):
    """The planted bug: a tape without a limit."""

    def forward(self, at, smashed_BTH, attention_mask_BT, commit):
        """Lift the limit."""
        self._tape.max_bytes = 10**9
        return super().forward(at, smashed_BTH, attention_mask_BT, commit)


class KeepsReleased(TrunkSession):
    """The planted bug: a repeated forward pass of a microbatch that the client is done with is kept again."""

    def forward(self, at, smashed_BTH, attention_mask_BT, commit):
        """Forget what was released."""
        self._tape.released = 0
        return super().forward(at, smashed_BTH, attention_mask_BT, commit)


@pytest.mark.parametrize("broken", [AppliesTwice, JoinsTwice, KeepsTooMuch, KeepsReleased])
def test_planted_bugs_of_a_session_are_found(undisturbed, monkeypatch, broken):
    monkeypatch.setitem(Undisturbed.session.__globals__, "TrunkSession", broken)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            lambda: Interleaving(undisturbed),
            settings=settings(
                max_examples=200,
                stateful_step_count=30,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
