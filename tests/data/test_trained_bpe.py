import json
import os
import re
import subprocess
import sys

import pytest

from splitlearn.data import trained_bpe
from splitlearn.data.corpus import Text, digest_of

DOCUMENTS = (Text("the cat sat on the mat\n" * 3), Text("the dog sat on the log\n" * 3))
JOINED = "".join(document.text for document in DOCUMENTS)

TRAIN_WHEN_TOLD = """
import sys
from splitlearn.data.corpus import Text, digest_of
from splitlearn.data.trained_bpe import train_bpe
documents = (Text("the cat sat on the mat"),) * 500
print("ready", flush=True)
sys.stdin.readline()
print(train_bpe(documents, digest_of(documents), 300).to_str())
"""


def train_bpe(documents, vocab_size):
    return trained_bpe.train_bpe(documents, digest_of(documents), vocab_size)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder of cached tokenizers, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "splitlearn" / "tokenizers"


@pytest.fixture
def trainings(monkeypatch):
    """The arguments of every training that was not saved by the cache."""
    calls = []
    train = trained_bpe._train

    def counted(documents, vocab_size):
        calls.append((documents, vocab_size))
        return train(documents, vocab_size)

    monkeypatch.setattr(trained_bpe, "_train", counted)
    return calls


def test_the_vocabulary_is_bounded_and_has_every_byte_and_the_end_of_text():
    tokenizer = train_bpe(DOCUMENTS, 260)

    assert tokenizer.get_vocab_size() == 260
    assert tokenizer.token_to_id("<|endoftext|>") == 0
    assert train_bpe((Text("abc"),), 2048).get_vocab_size() == 257


def test_training_is_deterministic():
    assert trained_bpe._train(DOCUMENTS, 280).to_str() == trained_bpe._train(DOCUMENTS, 280).to_str()


def test_a_text_in_pieces_gives_the_same_tokenizer(monkeypatch):
    whole = trained_bpe._train((Text(JOINED),), 280).to_str()
    monkeypatch.setattr("splitlearn.data.pieces.PIECE", 4)

    assert len(list(trained_bpe.sample((Text(JOINED),)))) > 10
    assert whole == trained_bpe._train((Text(JOINED),), 280).to_str()


def test_of_a_long_corpus_pieces_from_all_over_it_are_counted(monkeypatch):
    monkeypatch.setattr(trained_bpe, "MOST_BYTES", 100)
    monkeypatch.setattr("splitlearn.data.pieces.PIECE", 5)
    words = [f"word{n:04}" for n in range(40)]
    counted = list(trained_bpe.sample((Text(" ".join(words)),)))

    assert sum(map(len, counted)) <= 100
    numbers = [words.index(text.split()[0]) for text in counted]
    assert numbers == list(range(0, 40, 4))


def test_the_second_call_reads_the_cache(cache, trainings):
    first = train_bpe(DOCUMENTS, 280)
    second = train_bpe(DOCUMENTS, 280)

    assert len(trainings) == 1
    assert first.to_str() == second.to_str()
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize(
    ("documents", "vocab_size"),
    [(DOCUMENTS, 281), (DOCUMENTS[::-1], 280), ((Text(JOINED),), 280), ((*DOCUMENTS, Text("")), 280)],
    ids=["vocab_size", "order", "boundaries", "empty document"],
)
def test_another_corpus_or_size_is_trained_anew(trainings, documents, vocab_size):
    train_bpe(DOCUMENTS, 280)
    train_bpe(documents, vocab_size)

    assert len(trainings) == 2


def test_another_version_of_the_library_is_trained_anew(trainings, monkeypatch):
    train_bpe(DOCUMENTS, 280)
    monkeypatch.setattr(trained_bpe.tokenizers, "__version__", "0.0.0")
    train_bpe(DOCUMENTS, 280)

    assert len(trainings) == 2


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        (rb"^.*$", b""),
        (rb".{40}$", b""),
        (rb"mat", b"cat"),
        (rb"^", b"\xff"),
        (rb"^.*$", b"[]"),
        (rb"^.*$", b'{"sha256": "", "tokenizer": 1}'),
    ],
    ids=["empty", "torn", "changed", "not UTF-8", "no object", "wrong types"],
)
def test_a_damaged_cache_file_is_rebuilt(cache, trainings, pattern, damage):
    expected = train_bpe(DOCUMENTS, 280).to_str()
    (file,) = cache.iterdir()
    sound = file.read_bytes()
    damaged = re.sub(pattern, damage, sound)
    assert damaged != sound
    file.write_bytes(damaged)

    assert train_bpe(DOCUMENTS, 280).to_str() == expected
    assert len(trainings) == 2
    assert file.read_bytes() == sound


def test_a_cache_that_cannot_be_written_costs_only_the_training(cache, trainings, caplog):
    cache.parent.write_text("a file where the folder should be")

    assert train_bpe(DOCUMENTS, 280).to_str() == train_bpe(DOCUMENTS, 280).to_str()
    assert len(trainings) == 2
    assert "the trained tokenizer is not cached" in caplog.text


@pytest.mark.parametrize("value", [None, "", "relative/folder"])
def test_the_cache_is_in_the_home_folder_without_a_usable_xdg_setting(tmp_path, monkeypatch, value):
    monkeypatch.setenv("HOME", str(tmp_path))
    if value is None:
        monkeypatch.delenv("XDG_CACHE_HOME")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", value)
    train_bpe(DOCUMENTS, 280)

    assert len(list((tmp_path / ".cache" / "splitlearn" / "tokenizers").glob("*.json"))) == 1


def test_processes_that_train_at_the_same_time_get_the_same_tokenizer(cache):
    """They differ in thread count and hash seed, and leave one sound cache file and nothing else."""
    command = [sys.executable, "-W", "error", "-c", TRAIN_WHEN_TOLD]
    processes = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "RAYON_NUM_THREADS": str(number), "PYTHONHASHSEED": str(number)},
        )
        for number in (1, 2)
    ]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [process.communicate(timeout=60)[0] for process in processes]

    assert [process.returncode for process in processes] == [0] * 2
    assert len(set(results)) == 1
    (file,) = cache.iterdir()
    assert results[0].rstrip("\n") == json.loads(file.read_text())["tokenizer"]
