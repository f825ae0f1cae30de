"""With error feedback, a split run has the bits of one process that feeds back at the same cuts, whatever happens.

Texts are packed, so that every step has the shapes of the one before and something is owed.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.budget import FAILING, examples, scratch
from properties.in_process import InProcess

from harness.plan.generated import Gpt2Shape, Lines
from harness.plan.scenario import Scenario
from harness.properties.judged import DifferenceError, require_same_bits
from harness.properties.trainings import trainings
from splitlearn.codecs.topk_ef import TopkEfCodec
from splitlearn.coding import CodecStates
from splitlearn.config import TrainingConfig
from splitlearn.wire.lossy import LossyTransport

CASE = FAILING / "error-feedback.json"
STEPS = 6
PLAIN = TrainingConfig(
    codec="topk-ef", vocab_size=257, cuts="1:3", data_format="packed", max_length=8, batch_size=2,
    gradient_accumulation_steps=2, max_steps=STEPS, learning_rate=1e-2,
)  # fmt: skip
MATERIALS = (Gpt2Shape().material, Lines((9,) * 40).material)
SCENARIO = Scenario("fed-back", "Error feedback", PLAIN, topology="direct", materials=MATERIALS)
FED_BACK = {
    "codec": st.just("topk-ef"),
    "data_format": st.just("packed"),
    "max_length": st.integers(4, 8),
    "num_epochs": st.just(3),
    "max_steps": st.integers(3, STEPS),
}


def with_files(folder, name):
    """Return an empty folder for one system's files."""
    made = folder / name
    made.mkdir(parents=True)
    return made


@examples(6)
@given(trainings(**FED_BACK), st.integers(0, 99))
def test_any_training_over_a_transport_that_loses_messages(scenario, seed):
    with scratch() as folder:
        system = InProcess(wrap=lambda inner: LossyTransport(inner, seed))
        assert require_same_bits(scenario, folder, system, CASE).compared


@pytest.mark.parametrize("after", range(STEPS - 1))
def test_stopped_after_any_step_and_resumed(after, tmp_path):
    def stopped_and_resumed(config, folder):
        system = InProcess(stop_after=after)
        system(config, with_files(tmp_path, "stopped"))
        resumed = replace(system, resume="must", stop_after=None)(config, folder)
        return replace(resumed, parts=(tmp_path / "stopped" / "client", tmp_path / "stopped" / "trunk", *resumed.parts))

    assert require_same_bits(SCENARIO, tmp_path, stopped_and_resumed, CASE).compared


def test_without_a_stop(tmp_path):
    assert require_same_bits(SCENARIO, tmp_path, InProcess(), CASE).compared


def never_owing(monkeypatch):
    """Plant: a sender that forgets."""
    encode = TopkEfCodec.encode_after
    monkeypatch.setattr(TopkEfCodec, "encode_after", lambda self, _, tensor: encode(self, {}, tensor))


def one_state_for_all_microbatches(monkeypatch):
    """Plant: what is owed to one microbatch is paid to another."""
    passage = CodecStates.passage
    monkeypatch.setattr(
        CodecStates, "passage", lambda self, slot, *rest: passage(self, slot._replace(microbatch=0), *rest)
    )


def kept_of_skipped_steps_only(monkeypatch):
    """Plant: states advance when they must not, and do not when they must."""
    commit = CodecStates.commit
    monkeypatch.setattr(CodecStates, "commit", lambda self, step, *, skip: commit(self, step, skip=not skip))


def lost_with_a_checkpoint(monkeypatch):
    """Plant: a checkpoint without what is owed."""
    monkeypatch.setattr(CodecStates, "tensors", lambda _: {})


@pytest.mark.parametrize("plant", [never_owing, one_state_for_all_microbatches, kept_of_skipped_steps_only])
def test_planted(plant, monkeypatch, tmp_path):
    plant(monkeypatch)
    with pytest.raises(DifferenceError, match="step=1, microbatch=0"):
        require_same_bits(SCENARIO, tmp_path, InProcess(), tmp_path / "failing.json")


def test_planted_in_checkpoints(monkeypatch, tmp_path):
    lost_with_a_checkpoint(monkeypatch)
    with pytest.raises(DifferenceError, match="step=3, microbatch=0"):
        test_stopped_after_any_step_and_resumed(2, tmp_path)
