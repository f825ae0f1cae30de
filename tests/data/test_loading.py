"""A text is tokenised once; the stored tokens are used only if they are undamaged."""

import logging
import shutil
import stat

import pytest
import torch

from splitlearn.config import TrainingConfig
from splitlearn.data import load_training_data, loading
from splitlearn.data.tokenizer import Tokenizer
from splitlearn.errors import DataError

TEXT = "The first line is here.\n\nThe second line, which is longer, is there.\n" + "word " * 300


@pytest.fixture
def tokens(tmp_path, monkeypatch):
    """The folder of kept tokens, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "splitlearn" / "tokens"


@pytest.fixture
def tokenised(monkeypatch):
    """Every text that a tokenizer was given."""
    texts = []
    encode_batch = Tokenizer.encode_batch

    def noted(self, batch):
        texts.extend(batch)
        return encode_batch(self, batch)

    monkeypatch.setattr(Tokenizer, "encode_batch", noted)
    return texts


@pytest.fixture
def config(write):
    return TrainingConfig(data=write(TEXT), vocab_size=300, max_length=16)


def rows(data):
    return [sequence_L.tolist() for sequence_L in data.sequences]


def test_the_second_start_tokenises_nothing(tokens, tokenised, config):
    first = load_training_data(config)
    tokenised.clear()
    second = load_training_data(config)

    assert tokenised == []
    assert rows(first) == rows(second)
    assert first.fingerprint() == second.fingerprint()
    assert len(list(tokens.iterdir())) == 1


def test_stored_sequences_are_like_those_in_memory(tokens, config):
    data = load_training_data(config)
    copy = type(data)(config, data.tokenizer, tuple(data.sequences), data.skipped_lines)

    assert data.fingerprint() == copy.fingerprint()
    assert all(sequence_L.dtype == torch.int64 for sequence_L in data.sequences)
    for step in range(data.total_steps):
        for ours, theirs in zip(data.step(step), copy.step(step), strict=True):
            assert torch.equal(ours.labels_BT, theirs.labels_BT)
    for number in (-1, len(data.sequences)):
        with pytest.raises(IndexError):
            data.sequences[number]


@pytest.mark.parametrize(
    "change", [{"max_length": 15}, {"data_format": "lines"}, {"vocab_size": 260}, {"data": ""}], ids=str
)
def test_other_settings_are_tokenised_anew(tokens, tokenised, config, change):
    load_training_data(config)
    tokenised.clear()
    load_training_data(config.but(**change))

    assert tokenised


def test_an_edited_text_is_tokenised_anew(tokens, tokenised, config, write):
    load_training_data(config)
    tokenised.clear()
    write(TEXT.replace("first", "other"))

    load_training_data(config)
    assert tokenised


@pytest.mark.parametrize("name", ["tokens.u32", "starts.i64", "summary.json"])
@pytest.mark.parametrize("damage", ["torn", "altered", "missing", "foreign"])
def test_what_is_damaged_is_built_again(tokens, tokenised, config, name, damage):
    sound = rows(load_training_data(config))
    tokenised.clear()
    (place,) = tokens.iterdir()
    content = (place / name).read_bytes()
    if damage == "missing":
        (place / name).unlink()
    else:
        changed = {"torn": content[:-5], "altered": bytes([content[0] ^ 1]) + content[1:], "foreign": b'{"a": 1}'}
        (place / name).write_bytes(changed[damage])

    assert sound == rows(load_training_data(config))
    assert tokenised
    assert (place / name).read_bytes() == content
    assert list(tokens.iterdir()) == [place]


def test_a_run_goes_on_when_what_it_reads_is_removed(tokens, config):
    data = load_training_data(config)
    before = rows(data)
    shutil.rmtree(tokens)

    assert before == rows(data)


def test_a_cache_that_cannot_be_written_costs_only_the_time(tokens, config, caplog):
    tokens.parent.mkdir(parents=True)
    tokens.write_text("a file where the folder should be")

    assert rows(load_training_data(config)) == rows(load_training_data(config))
    assert "nothing is cached" in caplog.text


def test_a_disk_without_room_is_explained(tokens, config, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loading, "write_rows", full)
    with pytest.raises(DataError, match=r"tokens cannot be written .*No space left.*make some in .*XDG_CACHE_HOME"):
        load_training_data(config)
    assert list(tokens.iterdir()) == []


def test_only_its_owner_can_read_the_tokens_of_a_text(tokens, config):
    load_training_data(config)

    assert stat.S_IMODE(tokens.stat().st_mode) == 0o700


def test_the_least_recently_used_entry_leaves_a_full_cache(tokens, config, monkeypatch):
    load_training_data(config)
    (oldest,) = tokens.iterdir()
    load_training_data(config.but(max_length=8))
    size = sum(file.stat().st_size for file in oldest.iterdir())
    load_training_data(config)  # used once more, so that it is the newest
    (other,) = set(tokens.iterdir()) - {oldest}
    monkeypatch.setattr("splitlearn.data.cache.MOST_BYTES", 3 * size)

    load_training_data(config.but(max_length=12))
    assert oldest in tokens.iterdir()
    assert other not in tokens.iterdir()


@pytest.mark.parametrize("data_format", ["lines", "packed"])
def test_a_long_text_is_tokenised_in_bounded_pieces(tokens, tokenised, config, write, monkeypatch, data_format):
    """The tokens are those of the whole text."""
    config = config.but(data=write(TEXT), data_format=data_format)
    whole = rows(load_training_data(config))
    tokenised.clear()
    shutil.rmtree(tokens)
    monkeypatch.setattr("splitlearn.data.pieces.PIECE", 50)

    assert whole == rows(load_training_data(config))
    assert max(map(len, tokenised)) <= 100


def test_lines_that_are_cut_are_counted_and_said(tokens, write, caplog):
    config = TrainingConfig(
        data=write("short\n" + "word " * 40_000), data_format="lines", vocab_size=300, max_length=64
    )
    for _ in "tokenised", "kept":
        caplog.clear()
        data = load_training_data(config)

        assert data.cut_lines == 1
        assert data.cut_tokens == len(data.tokenizer.encode("word " * 40_000)) - 64
        assert "1 of 2 lines are longer than max_length = 64 tokens" in caplog.text
        assert f"{data.cut_tokens} tokens" in caplog.text


def test_a_line_that_fits_without_the_end_of_text_is_not_said_to_be_cut(tokens, write, caplog):
    data = load_training_data(TrainingConfig(data=write("abcd\nab"), data_format="lines", vocab_size=257, max_length=4))

    assert (data.cut_lines, data.cut_tokens, caplog.text) == (0, 0, "")


def test_a_long_tokenisation_is_announced(tokens, config, monkeypatch, caplog):
    monkeypatch.setattr(loading, "WORTH_A_WORD", 100)
    with caplog.at_level(logging.INFO):
        load_training_data(config)

    assert "tokenising 0 MB of text; this is done once" in caplog.text
