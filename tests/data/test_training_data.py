import hashlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from splitlearn.config import TrainingConfig
from splitlearn.data import TrainingData, load_training_data, read_documents, target_tokens
from splitlearn.errors import DataError

shapes = st.fixed_dictionaries(
    {
        "count": st.integers(1, 40),
        "batch_size": st.integers(1, 7),
        "gradient_accumulation_steps": st.integers(1, 4),
        "num_epochs": st.integers(1, 3),
        "seed": st.integers(0, 2**63 - 1),
    }
)


def numbered(tokenizer, *, count, **settings):
    """Data whose sequence n is n itself, and 0 to 3 tokens more."""
    sequences = tuple(torch.tensor([n] * (2 + n % 4)) for n in range(count))
    config = TrainingConfig(**settings)
    return TrainingData(config=config, tokenizer=tokenizer, sequences=sequences, skipped_lines=0)


def numbers(step_batch):
    return [n for microbatch in step_batch for n in microbatch.input_ids_BT[:, 0].tolist()]


def digest(step_batch):
    fields = ("input_ids_BT", "attention_mask_BT", "labels_BT")
    parts = [getattr(microbatch, field).numpy().tobytes() for microbatch in step_batch for field in fields]
    return hashlib.sha256(b"|".join(parts)).hexdigest()


@given(shape=shapes)
def test_every_sequence_is_read_once_an_epoch(tokenizer, shape):
    data = numbered(tokenizer, **shape)

    for epoch in range(shape["num_epochs"]):
        first = epoch * data.steps_per_epoch
        read = [n for step in range(first, first + data.steps_per_epoch) for n in numbers(data.step(step))]
        assert list(range(shape["count"])) == sorted(read)


@given(shape=shapes)
def test_only_the_last_batch_of_an_epoch_is_partial(tokenizer, shape):
    data = numbered(tokenizer, **shape)
    steps = [data.step(step) for step in range(data.steps_per_epoch)]

    assert all(len(step) == shape["gradient_accumulation_steps"] for step in steps[:-1])
    sizes = [len(microbatch.input_ids_BT) for step in steps for microbatch in step]
    assert all(size == shape["batch_size"] for size in sizes[:-1])
    assert 1 <= sizes[-1] <= shape["batch_size"]


@given(shape=shapes, picks=st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_a_step_is_a_pure_function_of_its_number(tokenizer, shape, picks):
    data = numbered(tokenizer, **shape)
    in_order = [digest(data.step(step)) for step in range(data.total_steps)]

    for step in (pick % data.total_steps for pick in picks):
        assert in_order[step] == digest(data.step(step))
        assert in_order[step] == digest(numbered(tokenizer, **shape).step(step))


@given(shape=shapes)
def test_the_order_does_not_depend_on_how_it_is_cut(tokenizer, shape):
    def epoch_of(data):
        return [n for step in range(data.steps_per_epoch) for n in numbers(data.step(step))]

    whole = shape | {"batch_size": shape["count"], "gradient_accumulation_steps": 1}
    assert epoch_of(numbered(tokenizer, **whole)) == epoch_of(numbered(tokenizer, **shape))


@given(shape=shapes)
def test_the_targets_of_an_epoch_are_all_tokens_but_the_first_ones(tokenizer, shape):
    data = numbered(tokenizer, **shape)
    targets = sum(target_tokens(data.step(step)) for step in range(data.steps_per_epoch))

    assert sum(len(sequence_L) - 1 for sequence_L in data.sequences) == targets


@given(shape=shapes)
def test_evaluation_reads_every_sequence_once_in_file_order(tokenizer, shape):
    data = numbered(tokenizer, **shape)

    assert list(range(shape["count"])) == numbers(tuple(data.evaluation_batches()))


@given(shape=shapes, max_steps=st.integers(0, 200))
def test_the_number_of_epochs_bounds_the_steps(tokenizer, shape, max_steps):
    data = numbered(tokenizer, max_steps=max_steps, **shape)
    all_steps = shape["num_epochs"] * data.steps_per_epoch

    assert data.total_steps == (min(max_steps, all_steps) if max_steps else all_steps)
    with pytest.raises(AssertionError, match=f"step {data.total_steps} of {data.total_steps}"):
        data.step(data.total_steps)


def test_a_position_is_epoch_and_step_in_it(tokenizer):
    data = numbered(tokenizer, count=10, batch_size=2, gradient_accumulation_steps=2, num_epochs=3)

    assert data.steps_per_epoch == 3
    assert [data.position(step) for step in range(5)] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]


def test_epochs_and_seeds_have_different_orders(tokenizer):
    def orders(seed):
        data = numbered(tokenizer, count=40, batch_size=40, num_epochs=3, seed=seed)
        return [tuple(numbers(data.step(step))) for step in range(3)]

    assert len({*orders(0), *orders(1)}) == 6
    assert tuple(range(40)) not in orders(0)


def test_the_order_is_the_committed_one(tokenizer):
    """Recorded runs are judged by batches read anew: the order may not change unnoticed."""
    data = numbered(tokenizer, count=8, batch_size=8, num_epochs=2, seed=7)

    assert [numbers(data.step(step)) for step in range(2)] == [[6, 5, 7, 1, 0, 2, 4, 3], [1, 7, 2, 5, 6, 4, 3, 0]]


def test_changing_a_batch_does_not_change_the_data(tokenizer):
    data = numbered(tokenizer, count=5, batch_size=5)
    before = digest(data.step(0))
    for tensor_BT in (data.step(0)[0].input_ids_BT, data.step(0)[0].labels_BT):
        tensor_BT.fill_(3)

    assert before == digest(data.step(0))


def test_the_global_generator_is_neither_read_nor_moved(tokenizer):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = digest(numbered(tokenizer, count=11, seed=991).step(0))

    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert first == digest(numbered(tokenizer, count=11, seed=991).step(0))


def test_lines_end_with_the_end_of_text_and_are_cut_to_the_longest_length(write):
    text = "a\n\nbcd\n" + "e" * 9
    data = load_training_data(TrainingConfig(data=write(text), data_format="lines", vocab_size=257, max_length=4))
    end = data.tokenizer.end_of_text
    a, b, c, d, e = (data.tokenizer.encode(letter)[0] for letter in "abcde")

    assert [[a, end], [b, c, d, end], [e, e, e, e]] == [sequence_L.tolist() for sequence_L in data.sequences]
    assert data.skipped_lines == 0
    assert data.vocab_size == 257


def test_a_packed_file_is_cut_in_blocks_and_a_last_short_one_is_kept(write):
    data = load_training_data(TrainingConfig(data=write("ab\ncdefgh"), vocab_size=257, max_length=4))

    assert [data.tokenizer.decode(sequence_L.tolist()) for sequence_L in data.sequences] == ["ab\nc", "defg"]
    data = load_training_data(TrainingConfig(data=write("ab\ncdefghi"), vocab_size=257, max_length=4))
    assert [data.tokenizer.decode(sequence_L.tolist()) for sequence_L in data.sequences] == ["ab\nc", "defg", "hi"]


def test_packed_documents_are_joined_by_the_end_of_text():
    data = load_training_data(TrainingConfig(max_length=100))
    *whole, last = list(data.sequences)
    text = data.tokenizer.decode(torch.cat([*whole, last]).tolist())
    topics = ["".join(document.chunks()) for document in read_documents("")]

    # The very last token is missing where it would be alone in its block.
    assert "<|endoftext|>".join(topics).startswith(text)
    assert text.count("<|endoftext|>") == len(topics) - 1
    assert {len(sequence_L) for sequence_L in whole} == {100}


@pytest.mark.parametrize("data_format", ["lines", "packed"])
def test_the_same_configuration_gives_the_same_data(data_format):
    config = TrainingConfig(data_format=data_format, max_length=64, max_steps=3)
    first, second = load_training_data(config), load_training_data(config)

    assert len(first.sequences) == len(second.sequences)
    assert [digest(first.step(s)) for s in range(3)] == [digest(second.step(s)) for s in range(3)]


@pytest.fixture
def letters_only(tmp_path):
    """The folder of a tokenizer that drops everything but the letters a and b."""
    backend = Backend(models.BPE(vocab={"a": 0, "b": 1}, merges=[]))
    backend.normalizer = normalizers.Replace("#", "")
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    folder = tmp_path / "letters"
    special_tokens = {"eos_token": "b"}
    PreTrainedTokenizerFast(tokenizer_object=backend, **special_tokens).save_pretrained(folder)
    return str(folder)


def test_lines_without_a_target_are_skipped_and_counted(write, letters_only):
    config = TrainingConfig(data=write("aa\n##\na\n#"), data_format="lines", tokenizer=letters_only)
    data = load_training_data(config)

    assert [sequence_L.tolist() for sequence_L in data.sequences] == [[0, 0, 1], [0, 1]]
    assert data.skipped_lines == 2


@pytest.mark.parametrize("data_format", ["lines", "packed"])
def test_text_without_any_target_is_refused(write, letters_only, data_format):
    config = TrainingConfig(data=write("##\n#"), data_format=data_format, tokenizer=letters_only)

    with pytest.raises(DataError, match=r"corpus\.txt: no text in it has two tokens, .*; give more text"):
        load_training_data(config)


def test_a_single_token_is_nothing_to_learn_from(write):
    with pytest.raises(DataError, match="give more text"):
        load_training_data(TrainingConfig(data=write("x"), vocab_size=257))
