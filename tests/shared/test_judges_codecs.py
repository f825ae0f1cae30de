"""What the judge expects of a codec is written down twice: there, and in the codec."""

from functools import partial
from math import prod

import pytest
import torch
from exactness.uncut import same_bits
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.references import References
from harness.oracle.codecs import Crossings
from harness.oracle.promises import PROMISES, is_lossless
from harness.oracle.randomness import Crossing
from splitlearn.codecs import CODECS
from splitlearn.codecs.zlib import ZlibCodec
from splitlearn.coding import CodecStates, Passage, Slot
from splitlearn.config import TrainingConfig

every_codec = pytest.mark.parametrize("codec", CODECS)
numbers = st.floats(width=32, allow_nan=False) | st.floats(-2, 2, width=32)
shapes = st.lists(st.integers(1, 9), min_size=1, max_size=3) | st.tuples(st.integers(60, 140))
tensors = shapes.flatmap(
    lambda shape: st.lists(numbers, min_size=prod(shape), max_size=prod(shape)).map(
        lambda values: torch.tensor(values).view(shape)
    )
)


def test_every_codec_of_the_package_has_a_promise():
    assert sorted(CODECS) == sorted(PROMISES)


@every_codec
def test_a_codec_claims_what_the_judge_expects(codec):
    assert CODECS[codec].lossless == is_lossless(codec)


@every_codec
@given(tensor=tensors)
def test_what_arrives_is_what_the_judge_expects(codec, tensor):
    data = Passage().encode(CODECS[codec], tensor)
    decoded = Passage().decode(CODECS[codec], data, tensor.dtype, tensor.shape)
    assert same_bits(Crossings(codec).arriving(tensor, "smashed", 0), decoded)


def test_half_precision_rounds_to_the_nearest_and_ties_to_even():
    """By the standard's own spacing: 2^-10 of the power of two below, 2^-24 near zero."""
    sent = torch.tensor([1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-11 + 2**-20, 2**-25, 3 * 2**-25, 65519.0, 65520.0])
    expected = [1.0, 1 + 2**-9, 1 + 2**-10, 0.0, 2**-23, 65504.0, float("inf")]
    assert expected == Crossings("fp16").arriving(sent, "smashed", 0).tolist()


def test_the_upper_half_is_the_nearest_and_ties_go_to_even():
    """By the format's own spacing: 2^-7 of the power of two below, 2^-133 near zero."""
    half_way_to_infinity = (2 - 2**-8) * 2.0**127
    sent = torch.tensor([1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8 - 2**-20, 2.0**-134, 3 * 2.0**-134, half_way_to_infinity])
    expected = [1.0, 1 + 2**-6, -1 - 2**-7, 0.0, 2.0**-132, float("inf")]
    assert expected == Crossings("bf16").arriving(sent, "smashed", 0).tolist()


def test_bytes_count_127ths_of_the_largest_magnitude_of_their_row():
    """Ties go to even, whether above or below; the largest magnitude arrives as it is, and so does a row of zeros."""
    sent = torch.tensor([[127.0, 0.5, 1.5, -2.5, 0.4999, -126.6], [-0.1, 0.0, 0.1, 0.05, 0.0002, -0.0], [0.0] * 6])
    expected = [[127.0, 0.0, 2.0, -2.0, 0.0, -127.0], [-127.0, 0.0, 127.0, 64.0, 0.0, 0.0], [0.0] * 6]
    tenth = torch.tensor(0.1)
    expected[1] = [(torch.tensor(n) / 127 * tenth).item() for n in expected[1]]
    assert expected == Crossings("int8").arriving(sent, "smashed", 0).tolist()


def test_half_bytes_count_sevenths_of_the_largest_magnitude_of_64_in_bfloat16():
    """A largest magnitude that is no bfloat16 number loses its lower half; the next block has its own."""
    block = torch.zeros(64)
    block[:6] = torch.tensor([7.0, 0.5, 1.5, -2.5, 0.4999, -6.6])
    sent = torch.cat([block, torch.tensor([-1 - 2**-7 - 2**-8, 0.5])])
    expected = torch.zeros(66)
    expected[:6] = torch.tensor([7.0, 0.0, 2.0, -2.0, 0.0, -7.0]) / 7 * 7
    expected[64:] = torch.tensor([-7.0, 3.0]) / 7 * (1 + 2**-7)
    assert same_bits(expected, Crossings("int4").arriving(sent, "smashed", 0))


def test_a_tenth_of_each_row_is_the_largest_and_the_first_of_equal_ones():
    """Of eleven elements two; not-a-number is larger than infinity, and neither sign is larger."""
    sent = torch.zeros(3, 11)
    sent[0, [2, 5, 7]] = torch.tensor([-3.0, 3.0, 3.0])
    sent[1, [1, 4, 6]] = torch.tensor([1e30, float("inf"), float("nan")])
    expected = sent.clone()
    expected[0, 7] = expected[1, 1] = 0
    assert torch.equal(expected.nan_to_num(7), Crossings("topk").arriving(sent, "smashed", 0).nan_to_num(7))


def test_what_is_not_a_number_does_not_become_one():
    """Adding half a unit to the bits of this one would make them those of a negative zero."""
    every_bit_but_the_sign = torch.tensor([0x7FFFFFFF], dtype=torch.int32).view(torch.float32)
    assert Crossings("bf16").arriving(every_bit_but_the_sign, "smashed", 0).isnan().all()


def test_a_lossless_codec_that_rounds_does_not_reach_the_reference(monkeypatch):
    """Planted: `zlib` that keeps half of every number."""
    right = ZlibCodec.encode
    monkeypatch.setattr(ZlibCodec, "encode", lambda self, tensor: right(self, tensor.half().to(tensor.dtype)))
    tensor = torch.randn(2, 3, 4, requires_grad=True)

    zlib = partial(Crossings("zlib").arriving, name="smashed", microbatch=0)
    after = Crossing.apply(tensor, zlib, zlib)
    (gradient,) = torch.autograd.grad(after, tensor, torch.full_like(after, 1 / 3))

    assert same_bits(tensor, after)
    assert same_bits(torch.full_like(after, 1 / 3), gradient)


STREAMS = ("smashed", "features", "features_grad", "smashed_grad")
drawn_steps = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from(STREAMS), st.integers(0, 2), st.sampled_from((20, 21)))),
        st.sampled_from((False, False, True)),
    ),
    min_size=2,
    max_size=6,
)


@given(steps=drawn_steps, seed=st.integers(0, 99))
def test_error_feedback_is_what_the_judge_expects_whatever_is_skipped_repeated_or_has_another_length(steps, seed):
    """Each stream of each microbatch has its own state; a sender codes everything twice, as for a repeated request."""
    judge, sender, receiver = Crossings("topk-ef"), CodecStates(), CodecStates()
    generator = torch.Generator().manual_seed(seed)
    for step, (tensors, skipped) in enumerate(steps):
        for stream, microbatch, length in {each[:2]: each for each in tensors}.values():
            tensor, slot = torch.randn(2, length, 12, generator=generator), Slot("topk-ef", stream, microbatch)
            for _ in range(2):
                sent, received = sender.passage(slot), receiver.passage(slot)
                data = sent.encode(CODECS["topk-ef"], tensor)
                arrived = received.decode(CODECS["topk-ef"], data, tensor.dtype, tensor.shape)
                sender.keep(step, sent)
                receiver.keep(step, received)
            assert same_bits(judge.arriving(tensor, stream, microbatch), arrived)
        for states in (sender, receiver):
            states.commit(step, skip=skipped)
        judge.end_step(skipped=skipped)


def test_what_did_not_arrive_is_added_to_the_next_tensor_of_its_place():
    """By hand: ten elements, of which one arrives; the next step brings the others a second time."""
    judge = Crossings("topk-ef")
    sent = torch.arange(10.0)
    arrived = [judge.arriving(sent, "smashed", 0)]
    judge.arriving(100 * sent, "smashed", 1)
    judge.end_step(skipped=False)
    arrived.append(judge.arriving(sent, "smashed", 0))
    judge.end_step(skipped=True)
    arrived.append(judge.arriving(sent, "smashed", 0))

    assert [(9, 9.0), (8, 16.0), (8, 16.0)] == [(each.argmax().item(), each.sum().item()) for each in arrived]


class NoStarter:
    """Notes what would be started."""

    def __init__(self):
        self.started = []

    def start(self, name, program, argv, log):
        self.started.append(argv)


def test_lossless_codecs_share_a_reference_and_lossy_ones_have_their_own(tmp_path):
    starter = NoStarter()
    references = References(starter, tmp_path)
    folders = {codec: references.get(TrainingConfig(codec=codec)).folder for codec in CODECS}

    lossy = [folder for codec, folder in folders.items() if not CODECS[codec].lossless]
    assert folders["raw"] == folders["zlib"] not in lossy
    assert len(starter.started) == 1 + len(lossy) == 1 + len(set(lossy))


def test_times_are_those_of_a_reference_that_ran_alone(tmp_path):
    references = References(NoStarter(), tmp_path)
    beside, alone = references.get(TrainingConfig()), references.get(TrainingConfig(), timed=True)

    assert beside.folder != alone.folder
    assert alone is references.get(TrainingConfig(), timed=True)


def test_a_codec_that_turns_lossy_has_another_reference(tmp_path, monkeypatch):
    references = References(NoStarter(), tmp_path)
    before = references.get(TrainingConfig(codec="zlib"))
    monkeypatch.setitem(PROMISES, "zlib", PROMISES["fp16"])

    assert before is not references.get(TrainingConfig(codec="zlib"))
