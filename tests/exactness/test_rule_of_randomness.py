"""Rule 4 of exactness: random numbers (see `planted.py`)."""

from contextlib import contextmanager

import pytest
import torch
from exactness.cut import batches_of, train_split
from exactness.planted import differs, session_of, tensors_of
from exactness.uncut import difference, same_bits, train_uncut

import splitlearn.determinism
import splitlearn.trunk.session
from splitlearn.determinism import stage_scope, stage_seed
from splitlearn.wire.trunk_link import Position

# 4. Counter-based random numbers


@contextmanager
def unseeded(*_):
    """Planted: draw from the generator in whatever state it is."""
    yield


def test_planted_a_stage_that_is_not_seeded(config, monkeypatch):
    monkeypatch.setattr(splitlearn.trunk.session, "stage_scope", unseeded)

    assert "losses" in differs(config, batches_of(steps=1))


def test_planted_seeds_that_do_not_depend_on_the_microbatch(config, monkeypatch):
    real = splitlearn.determinism.stage_seed
    batches = batches_of(steps=1, microbatches=2)
    expected = train_uncut(config, batches)
    monkeypatch.setattr(
        splitlearn.determinism, "stage_seed", lambda seed, step, _microbatch, stage: real(seed, step, 0, stage)
    )

    assert difference(expected, train_split(config, batches)) != ""


def replayed(config, *, spoil):
    """Run the same forward pass twice, with other work in between; return both results."""
    session, (smashed_BTH,) = session_of(config), tensors_of(1)
    at, mask_BT = Position(0, 0, 1), torch.ones(2, 12, dtype=torch.int64)
    first = session.forward(at, smashed_BTH, mask_BT, None)
    session._tape.clear()
    spoil()
    return first, session.forward(at, smashed_BTH, mask_BT, None)


def test_a_forward_pass_computed_again_draws_the_same_dropout(config, monkeypatch):
    assert same_bits(*replayed(config, spoil=lambda: torch.rand(5)))

    monkeypatch.setattr(splitlearn.trunk.session, "stage_scope", unseeded)
    assert not same_bits(*replayed(config, spoil=lambda: torch.rand(5))), "the planted bug was not seen"


@pytest.mark.filterwarnings("ignore:.*device_type of 'cuda'")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_every_accelerator_is_seeded_whichever_is_the_current_one(config, device, monkeypatch):
    seeds = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)

    with stage_scope(config.but(device=device), 3, 1, "trunk"):
        assert [stage_seed(config.seed, 3, 1, "trunk")] == seeds
