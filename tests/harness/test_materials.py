"""Materials are made the same way every time, and are what scenarios need."""

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.engine.materials import MATERIALS, SKIPPED_STEP, with_materials
from harness.errors import ScenarioError
from harness.oracle.batches import Batches
from harness.oracle.uncut import load_model
from harness.plan.catalogue import scenarios_named
from harness.plan.generated import Gpt2Shape, Lines
from splitlearn.config import TrainingConfig
from splitlearn.data import load_training_data


@pytest.fixture
def plain():
    (scenario,) = scenarios_named("direct")
    return scenario.but(vocab_size=300, batch_size=2)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def times(folder):
    """Return when each file was written: a run may be reading what is there already."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", MATERIALS)
def test_a_material_is_made_once_and_found_again(plain, tmp_path, name):
    scenario = replace(plain, materials=(name,))
    made = with_materials(scenario, tmp_path)
    before, written = contents(tmp_path), times(tmp_path)

    assert made == with_materials(scenario, tmp_path)
    assert before == contents(tmp_path)
    assert written == times(tmp_path)
    assert made != scenario


def test_one_thread_makes_a_material_while_the_others_wait(plain, tmp_path, monkeypatch):
    both = threading.Barrier(2)

    def make(scenario, _folder):
        with pytest.raises(threading.BrokenBarrierError):
            both.wait(0.2)
        return scenario

    monkeypatch.setitem(MATERIALS, "slow", make)
    scenario = replace(plain, materials=("slow",))
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: with_materials(scenario, tmp_path), range(2)))

    assert made == [scenario, scenario]


@pytest.mark.parametrize("name", ["untied", "short text", "a step to skip"])
def test_what_training_depends_on_is_the_same_in_another_folder(plain, tmp_path, name):
    scenario = replace(plain, materials=(name,))
    for folder in (tmp_path / "one", tmp_path / "two"):
        with_materials(scenario, folder)

    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_another_seed_has_other_files(plain, tmp_path):
    scenario = replace(plain, materials=("untied",))
    assert (
        with_materials(scenario, tmp_path).config.model != with_materials(scenario.but(seed=1), tmp_path).config.model
    )


def test_materials_add_up(plain, tmp_path):
    config = with_materials(replace(plain, materials=("short text", "untied")), tmp_path).config

    assert config.data.endswith("text.txt")
    assert load_model(config).lm_head.weight is not load_model(config).transformer.wte.weight


def test_a_short_text_ends_within_the_run(plain, tmp_path):
    config = with_materials(replace(plain, materials=("short text",)), tmp_path).config
    batches = Batches(config, load_training_data(config).sequences)
    sizes = [[len(batch.input_ids_BT) for batch in batches.step(step)] for step in range(batches.total_steps)]

    assert [[2, 2, 2]] * 4 + [[2, 2, 1]] + [[2, 2, 2]] == sizes


def test_only_the_last_microbatch_of_the_step_to_skip_is_not_finite(plain, tmp_path):
    config = with_materials(replace(plain, materials=("a step to skip",)), tmp_path).config
    model, batches = load_model(config), Batches(config, load_training_data(config).sequences)

    bad = [
        (step, index)
        for step in range(batches.total_steps)
        for index, batch in enumerate(batches.step(step))
        if not torch.isfinite(model(batch.input_ids_BT, attention_mask=batch.attention_mask_BT).logits).all()
    ]

    assert [(SKIPPED_STEP, config.gradient_accumulation_steps - 1)] == bad
    assert batches.total_steps > SKIPPED_STEP + 1


def test_keys_and_tokens_are_their_owners_alone(plain, tmp_path):
    made = with_materials(replace(plain, materials=("TLS",)), tmp_path)
    settings = [made.party_settings["trunk"]["tls_key"], made.config.token_file]

    assert [0o600, 0o600] == [stat.S_IMODE(path.stat().st_mode) for path in settings]


def test_parties_have_certificates_of_their_own(plain, tmp_path):
    made = with_materials(replace(plain, materials=("mutual TLS",)), tmp_path)
    configs = [made.config.but(**made.party_settings[party]) for party in ("client", "trunk")]

    assert configs[0].tls_certificate != configs[1].tls_certificate
    assert configs[0].tls_ca == configs[1].tls_ca is not None
    assert all(isinstance(config, TrainingConfig) for config in configs)


def test_a_described_material_is_what_it_says(plain, tmp_path):
    shape = Gpt2Shape(n_layer=4, n_head=3, head_width=5, more_tokens=2, tied=False, n_inner=7)
    config = with_materials(
        replace(plain, materials=(shape.material, Lines((2, 3)).material)).but(data_format="lines"), tmp_path
    ).config
    model = load_model(config)

    assert [2, 3] == [len(line.split()) for line in Path(config.data).read_text().splitlines()]
    assert (302, 15) == tuple(model.transformer.wte.weight.shape)
    assert model.transformer.h[3].mlp.c_fc.nf == 7
    assert model.lm_head.weight is not model.transformer.wte.weight
    assert shape == Gpt2Shape.parse(shape.material.partition(": ")[2])


@pytest.mark.parametrize("described", ['{"heads": 3}', '{"n_head": "many"}', "3", "{"])
def test_a_description_that_says_nothing_is_refused(plain, tmp_path, described):
    with pytest.raises(ScenarioError, match="material gpt2"):
        with_materials(replace(plain, materials=(f"gpt2: {described}",)), tmp_path)
