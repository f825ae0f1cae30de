"""Which text is learnt when, from the words of docs/architecture.md: the system, the judge, and this file agree."""

import hashlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.oracle.batches import Batches
from harness.oracle.sequences import sequences_of
from splitlearn.config import TrainingConfig
from splitlearn.data import TrainingData, load_training_data, target_tokens

FIELDS = ("input_ids_BT", "attention_mask_BT", "labels_BT")
shapes = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 7),
        "gradient_accumulation_steps": st.integers(1, 4),
        "num_epochs": st.integers(1, 3),
        "max_steps": st.integers(0, 30),
        "seed": st.integers(0, 2**63 - 1),
    }
)


def numbered(count):
    """Sequences that differ in length and in every token; token ids never are 0, which pads."""
    return tuple(torch.arange(1, 3 + n % 5) + 100 * n for n in range(count))


def system(config, sequences):
    return TrainingData(config=config, tokenizer=None, sequences=sequences, skipped_lines=0)


@given(shape=shapes, count=st.integers(1, 40))
def test_judge_and_system_read_the_same_batches(shape, count):
    config = TrainingConfig(**shape)
    ours, theirs = system(config, numbered(count)), Batches(config, numbered(count))

    assert theirs.total_steps == ours.total_steps
    for step in range(ours.total_steps):
        mine, judges = ours.step(step), theirs.step(step)
        assert len(judges) == len(mine)
        assert sum(batch.targets for batch in judges) == target_tokens(mine)
        for one, other in zip(judges, mine, strict=True):
            assert all(torch.equal(getattr(one, field), getattr(other, field)) for field in FIELDS)


def order_in_words(seed, epoch, count):
    """SHA-256 of "SEED/EPOCH/order of the sequences"; its first 8 bytes, little-endian, seed the shuffle."""
    digest = hashlib.sha256(b"%d/%d/order of the sequences" % (seed, epoch)).digest()
    number = sum(byte << 8 * place for place, byte in enumerate(digest[:8]))
    torch.manual_seed(number)
    return torch.randperm(count).tolist()


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_the_order_of_an_epoch_is_the_documented_one(seed):
    config = TrainingConfig(seed=seed, batch_size=3, gradient_accumulation_steps=2, num_epochs=3)
    for reader in (system(config, numbered(20)), Batches(config, numbered(20))):
        read = [
            int(row[0]) // 100
            for step in range(reader.total_steps)
            for batch in reader.step(step)
            for row in batch.input_ids_BT
        ]
        assert [row for epoch in range(3) for row in order_in_words(seed, epoch, 20)] == read


def test_a_step_of_a_known_run_holds_these_very_tokens():
    """Written down: ids, mask and labels of a padded step."""
    sequences = tuple(map(torch.tensor, ([11, 12], [21, 22, 23, 24], [31, 32, 33])))
    config = TrainingConfig(seed=7, batch_size=3)
    ids = {11: [11, 12, 0, 0], 21: [21, 22, 23, 24], 31: [31, 32, 33, 0]}
    order = [(11, 21, 31)[row] for row in order_in_words(7, 0, 3)]
    for reader in (system(config, sequences), Batches(config, sequences)):
        (batch,) = reader.step(0)
        assert [ids[first] for first in order] == batch.input_ids_BT.tolist()
        assert [[int(i > 0) for i in ids[first]] for first in order] == batch.attention_mask_BT.tolist()
        assert [[i or -100 for i in ids[first]] for first in order] == batch.labels_BT.tolist()


def test_what_is_predicted_is_every_real_token_but_the_first():
    sequences = tuple(map(torch.tensor, ([11, 12], [21, 22, 23, 24], [0, 0, 0])))
    config = TrainingConfig(batch_size=3)

    assert (
        1 + 3 + 2 == target_tokens(system(config, sequences).step(0)) == Batches(config, sequences).step(0)[0].targets
    )


def lines_in_words(text, encode, end, longest):
    """One sequence a line that is not blank: its tokens and the end of text, cut off at the longest length."""
    rows = [[*encode(line), end][:longest] for line in text.split("\n") if line.strip()]
    return [row for row in rows if len(row) > 1]


def blocks_in_words(documents, encode, end, longest):
    """All documents with the end of text between them, cut into blocks; the last may be short, of two or more."""
    stream = encode(documents[0])
    for document in documents[1:]:
        stream += [end, *encode(document)]
    rows = [stream[first : first + longest] for first in range(0, len(stream), longest)]
    return [row for row in rows if len(row) > 1]


TEXT = "It was\n\na bright cold day in April,\n  \nand the clocks\nwere striking thirteen.\nx\n"


@pytest.mark.parametrize("longest", [2, 5, 7, 64])
@pytest.mark.parametrize("data_format", ["lines", "packed"])
def test_text_is_cut_into_sequences_as_documented(tmp_path, monkeypatch, data_format, longest):
    """With a vocabulary of bytes alone, token 1 + n is the n-th of their sorted names, and 0 ends a text."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "text.txt").write_text(TEXT)
    path = str(tmp_path / "text.txt")
    config = TrainingConfig(data=path, data_format=data_format, max_length=longest, vocab_size=257)
    data = load_training_data(config)
    names = byte_names()
    alphabet = sorted(names.values())

    def encode(text):
        return [1 + alphabet.index(names[byte]) for byte in text.encode()]

    if data_format == "lines":
        expected = lines_in_words(TEXT, encode, 0, longest)
    else:
        expected = blocks_in_words([TEXT], encode, 0, longest)
    assert expected == [sequence_L.tolist() for sequence_L in data.sequences]
    assert expected == [sequence_L.tolist() for sequence_L in sequences_of(config, data)], "the judge's own"


def byte_names():
    """GPT-2's names of bytes: printable ones are themselves, the others are numbered from 256 on."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + n) for n, byte in enumerate(others)}
