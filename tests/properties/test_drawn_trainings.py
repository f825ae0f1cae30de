"""Whatever is drawn, every loss, gradient, weight and moment of the split run has the uncut model's bits."""

import json
import subprocess
import sys

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from properties.budget import FAILING, examples, scratch
from properties.in_process import InProcess
from properties.planted import numbered_anew, with_padding_counted

from harness.oracle import reference
from harness.plan.generated import Gpt2Shape, Lines
from harness.plan.scenario import Scenario
from harness.properties.judged import DifferenceError, require_same_bits
from harness.properties.settings import DRAWN, NOT_DRAWN
from harness.properties.trainings import trainings
from splitlearn.config import TrainingConfig
from splitlearn.models import cutting

CASE = FAILING / "gradient-equivalence.json"
# Prefixes of parameters' names; a model of fewer blocks has fewer of them.
PARTS = (
    "transformer.wte.",
    "transformer.wpe.",
    *(f"transformer.h.{block}." for block in range(4)),
    "transformer.ln_f.",
)
SMALLEST = Scenario(
    "drawn",
    "One block, all of it the trunk's",
    TrainingConfig(vocab_size=257, cuts="0:1", max_length=4, max_steps=1),
    topology="direct",
    materials=(Gpt2Shape(n_layer=1).material, Lines().material),
)


def test_every_setting_is_drawn_or_has_a_reason_not_to_be():
    assert not DRAWN.keys() & NOT_DRAWN.keys()
    assert TrainingConfig.model_fields.keys() == DRAWN.keys() | NOT_DRAWN.keys()


@examples(12)
@given(trainings())
def test_any_training_has_the_bits_of_the_uncut_model(scenario):
    with scratch() as folder:
        require_same_bits(scenario, folder, InProcess(), CASE)


def frozen(load, prefixes):
    """Return a loader of models of which some parameters are frozen."""

    def load_and_freeze(*args):
        model = load(*args)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not name.startswith(prefixes))
        return model

    return load_and_freeze


@examples(4)
@example(SMALLEST, {"transformer.wte.", "transformer.wpe."})  # nothing before the lower cut is trained
@given(trainings(), st.sets(st.sampled_from(PARTS), min_size=1, max_size=len(PARTS) - 1))
def test_any_frozen_parameters_leave_the_others_the_bits_of_the_uncut_model(scenario, prefixes):
    with pytest.MonkeyPatch.context() as patch, scratch() as folder:
        for module, name in ((cutting, "load_whole"), (reference, "load_model")):
            patch.setattr(module, name, frozen(getattr(module, name), tuple(prefixes)))
        require_same_bits(scenario, folder, InProcess(), CASE)


@settings(examples(60), phases=[Phase.generate])
@given(trainings())
def any_training(scenario):
    """The property, without shrinking what it finds."""
    with scratch() as folder:
        require_same_bits(scenario, folder, InProcess(), CASE)


@pytest.mark.parametrize("plant", [numbered_anew, with_padding_counted])
def test_planted_bugs_that_show_in_some_trainings_only_are_found(monkeypatch, plant):
    plant(monkeypatch)
    with pytest.raises(DifferenceError, match="first divergence"):
        any_training()


def test_a_failing_example_says_what_it_is_and_the_command_it_prints_runs_it(monkeypatch, tmp_path):
    numbered_anew(monkeypatch)
    with pytest.raises(DifferenceError) as caught:
        any_training()
    said = str(caught.value).splitlines()
    assert {"gpt2", "lines", "cuts"} <= {line.partition(":")[0].partition(" ")[0] for line in said}

    *_, command = said[-1].partition(": ")
    done = subprocess.run(
        [sys.executable, "-m", *command.split(), "--json", str(tmp_path / "out.json")], check=False, capture_output=True
    )

    assert (0, b"") == (done.returncode, done.stderr[-300:] if done.returncode else b"")
    (run,) = json.loads((tmp_path / "out.json").read_text())["runs"]
    assert ("drawn", "PASS") == (run["scenario"], run["verdict"]), "the programs do not have the planted bug"
