"""The first divergence is the first that was computed: places are sorted as a step computes them."""

import pytest
from run_copy import first_divergence

from harness.oracle.digests import Place

IN_ORDER = [
    Place(0, 0, "smashed"),
    Place(0, 0, "features"),
    Place(0, 0, "loss"),
    Place(0, 0, "features_grad"),
    Place(0, 0, "smashed_grad"),
    Place(0, 1, "smashed"),
    Place(0, 1, "loss"),
    Place(0, None, "lm_head.weight"),
    Place(0, None, "transformer.ln_f.bias"),
    Place(0, None, "transformer.h.11.mlp.c_proj.weight"),
    Place(0, None, "transformer.h.3.mlp.c_proj.weight"),
    Place(0, None, "transformer.h.3.mlp.c_fc.weight"),
    Place(0, None, "transformer.h.3.ln_2.weight"),
    Place(0, None, "transformer.h.3.attn.c_proj.weight"),
    Place(0, None, "transformer.h.3.attn.c_attn.bias"),
    Place(0, None, "transformer.h.3.ln_1.weight"),
    Place(0, None, "transformer.h.2.mlp.c_proj.weight"),
    Place(0, None, "transformer.wpe.weight"),
    Place(0, None, "transformer.wte.weight"),
    Place(0, None, "norm/transformer.h.3.ln_1.weight"),
    Place(0, None, "norm/transformer.h.2.mlp.c_proj.weight"),
    Place(0, None, "client/clip_coefficient"),
    Place(0, None, "client/grad_norm"),
    Place(0, None, "client/learning_rate"),
    Place(0, None, "trunk/learning_rate"),
    Place(0, None, "weight/transformer.ln_f.bias"),
    Place(0, None, "weight/transformer.h.2.mlp.c_proj.weight"),
    Place(1, 0, "smashed"),
]


def test_places_are_sorted_by_the_order_of_computation():
    shuffled = sorted(IN_ORDER, key=str)
    assert shuffled != IN_ORDER
    assert IN_ORDER == sorted(shuffled, key=lambda place: place.order)


def test_no_two_places_are_at_the_same_turn():
    assert len(IN_ORDER) == len({place.order for place in IN_ORDER})


RECORDED = [place for place in IN_ORDER if "lm_head" not in place.tensor and "h.11." not in place.tensor]


@pytest.mark.parametrize("first", RECORDED, ids=str)
def test_the_first_of_many_differences_is_the_first_computed(run_copy, first):
    for place in RECORDED[RECORDED.index(first) :]:
        run_copy.change_digest(place.step, place.microbatch, place.tensor)
    where = first_divergence(run_copy)
    assert (first.step, first.microbatch, first.tensor) == (where["step"], where.get("microbatch"), where["tensor"])
