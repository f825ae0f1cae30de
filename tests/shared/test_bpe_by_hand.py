"""The tokenizer that is trained on the data, against the algorithm as published, written out by hand."""

import re
from collections import Counter
from itertools import pairwise

import pytest

from splitlearn.config import TrainingConfig
from splitlearn.data import load_tokenizer

TEXT = (
    "the cat sat on the mat and the rat sat on that hat "
    "a fat cat that sat on a mat chat with the rat at the hat stand the other day "
    "then the cat and the rat sat there and ate the fat and that was that"
)
# GPT-2's names of the 256 bytes: printable ones are themselves, the others are numbered from 256 on.
ALPHABET = sorted(map(chr, (*range(33, 127), *range(161, 173), *range(174, 324))))
SPACE = chr(288)  # GPT-2's name of the byte 32


def words_of(text):
    """Letters with the blank before them, as GPT-2 cuts a text that has nothing else."""
    return [part.replace(" ", SPACE) for part in re.findall(r" ?[a-z]+", text)]


def merged(symbols, pair):
    """Join a pair wherever it stands, from the left."""
    joined = []
    for symbol in symbols:
        if joined and (joined[-1], symbol) == pair:
            joined[-1] += symbol
        else:
            joined.append(symbol)
    return joined


def trained(text, size):
    """Join the most frequent pair, again and again (Sennrich et al., 2016); of equals that of the smaller ids."""
    vocabulary = {token: number for number, token in enumerate(["<|endoftext|>", *ALPHABET])}
    words = {word: list(word) for word in words_of(text)}
    counts, merges = Counter(words_of(text)), []
    while len(vocabulary) < size:
        pairs = Counter()
        for word, symbols in words.items():
            for pair in pairwise(symbols):
                pairs[pair] += counts[word]
        best = min(pairs, key=lambda pair: (-pairs[pair], *(vocabulary[part] for part in pair)))
        if pairs[best] < 2:
            break
        merges.append(best)
        vocabulary["".join(best)] = len(vocabulary)
        words = {word: merged(symbols, best) for word, symbols in words.items()}
    return vocabulary, merges


def encoded(text, vocabulary, merges):
    """Join the pairs of each word in the order in which they were learnt."""
    ids = []
    for word in words_of(text):
        symbols = list(word)
        for pair in merges:
            symbols = merged(symbols, pair)
        ids += [vocabulary[symbol] for symbol in symbols]
    return ids


@pytest.mark.parametrize("size", [257, 262, 280, 400])
def test_vocabulary_and_tokens_are_those_of_the_published_algorithm(tmp_path, monkeypatch, size):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    vocabulary, merges = trained(TEXT, size)

    (tmp_path / "text.txt").write_text(TEXT)
    tokenizer = load_tokenizer(TrainingConfig(vocab_size=size, data=str(tmp_path / "text.txt")))

    assert vocabulary == tokenizer.backend.get_vocab()
    for text in (TEXT, "that other cat was there", "zebra"):
        assert encoded(text, vocabulary, merges) == tokenizer.encode(text)
    assert (len(vocabulary), 0) == (tokenizer.vocab_size, tokenizer.end_of_text)
