"""Rules 6 and 7 of exactness: masks, and the index of a block (see `planted.py`)."""

import pytest
import torch
from exactness.cut import batches_of, train_split
from exactness.planted import differs
from exactness.uncut import difference, load_uncut, same_bits, train_uncut

import splitlearn.layouts.gpt2
from splitlearn.models import FAMILY
from splitlearn.models.stages import CutTrunkStage

# 6. Masks: no future, no padding


def logits_through_three_stages(config, input_ids_BT, mask_BT):
    stage, _ = FAMILY.load_client(config)
    trunk, _ = FAMILY.load_trunk(config)
    with torch.no_grad():
        smashed_BTH = stage.eval().bottom(input_ids_BT, mask_BT)
        return stage.top(trunk.eval()(smashed_BTH, mask_BT), mask_BT)


MASKS = {
    "whole": [[1] * 10] * 2,
    "padded right": [[1] * 10, [1] * 6 + [0] * 4],
    "padded left": [[1] * 10, [0] * 4 + [1] * 6],
}


def leak(config, mask_BT, t):
    """Return the largest change of a logit at positions up to t when the tokens behind t change."""
    generator = torch.Generator().manual_seed(1)
    input_ids_BT = torch.randint(1, 300, (2, 10), generator=generator)
    changed_BT = input_ids_BT.clone()
    changed_BT[:, t + 1 :] = (input_ids_BT[:, t + 1 :] + 1 + t) % 300
    real_BT = mask_BT[:, : t + 1] == 1
    before, after = (
        logits_through_three_stages(config, ids, mask_BT)[:, : t + 1] for ids in (input_ids_BT, changed_BT)
    )
    return float((before - after)[real_BT].abs().max())


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_no_position_sees_the_future(config, attention, mask):
    for cuts in ("0:4", "1:3"):
        for t in (0, 4, 8):
            assert leak(config.but(attention=attention, cuts=cuts), torch.tensor(mask), t) == 0


@pytest.mark.parametrize("part", ["every part", "trunk alone"])
@pytest.mark.parametrize(
    ("attention", "mask"), [("eager", "whole"), ("eager", "padded right"), ("sdpa", "padded right")]
)
def test_planted_blocks_without_a_causal_mask(config, monkeypatch, attention, mask, part):
    """A block called with no mask, or with one of the padding alone, attends to the future."""
    real = splitlearn.layouts.gpt2.create_causal_mask
    calls = iter(range(1000))

    def no_causality(*, attention_mask, **others):
        if part == "trunk alone" and next(calls) % 3 != 1:
            return real(attention_mask=attention_mask, **others)
        return None if mask == "whole" else padding_mask(attention_mask, attention)

    def padding_mask(mask_BT, attention):
        allowed = mask_BT[:, None, None, :].bool().expand(-1, 1, mask_BT.shape[1], -1)
        return allowed if attention == "sdpa" else torch.zeros(allowed.shape).masked_fill(~allowed, -1e9)

    monkeypatch.setattr(splitlearn.layouts.gpt2, "create_causal_mask", no_causality)

    assert leak(config.but(attention=attention), torch.tensor(MASKS[mask]), 2) > 0


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_padding_is_masked_as_in_the_uncut_model(config, attention, mask):
    config, mask_BT = config.but(attention=attention), torch.tensor(mask)
    input_ids_BT = torch.arange(1, 21).view(2, 10)
    with torch.no_grad():
        expected = load_uncut(config).eval()(input_ids=input_ids_BT, attention_mask=mask_BT, use_cache=False).logits

    assert same_bits(expected, logits_through_three_stages(config, input_ids_BT, mask_BT))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_planted_a_trunk_that_ignores_the_padding(config, monkeypatch, attention):
    config, mask_BT = config.but(attention=attention), torch.tensor(MASKS["padded left"])
    input_ids_BT = torch.arange(1, 21).view(2, 10)
    expected = logits_through_three_stages(config, input_ids_BT, mask_BT)
    real = CutTrunkStage.forward
    monkeypatch.setattr(CutTrunkStage, "forward", lambda self, h, mask: real(self, h, torch.ones_like(mask)))
    actual = logits_through_three_stages(config, input_ids_BT, mask_BT)

    real_BT = mask_BT == 1
    assert not same_bits(expected[real_BT], actual[real_BT])


def test_padding_has_no_loss(config):
    """The step does not depend on the padding's token ids. Planted: labels at the padding."""

    def with_labels(batch, label):
        for microbatch in batch:
            microbatch.labels_BT[microbatch.attention_mask_BT == 0] = label
        return batch

    clean, spoilt = batches_of(steps=1), [with_labels(batches_of(steps=1)[0], 5)]
    assert (clean[0][0].attention_mask_BT == 0).any()
    assert clean[0][0].labels_BT[clean[0][0].attention_mask_BT == 0][0] == -100
    assert "losses" in difference(train_uncut(config, clean), train_split(config, spoilt))


# 7. Blocks keep their index


def test_planted_a_trunk_that_counts_its_blocks_from_zero(config, small_model, monkeypatch):
    config = config.but(model=str(small_model(scale_attn_by_inverse_layer_idx=True)))
    real = CutTrunkStage.__init__

    def renumber(self, layout, model, cuts):
        real(self, layout, model, cuts)
        for index, block in enumerate(self.transformer.h.values()):
            block.attn.layer_idx = index
            if block.attn.scale_attn_by_inverse_layer_idx:
                block.attn.scaling = block.attn.head_dim**-0.5 / (index + 1)

    monkeypatch.setattr(CutTrunkStage, "__init__", renumber)

    assert "losses" in differs(config, batches_of(steps=1))
