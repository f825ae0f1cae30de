"""What a run leaves behind is enough to read, export and continue the model."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from exactness.uncut import same_bits
from safetensors.torch import load_file
from transformers import AutoTokenizer, GPT2LMHeadModel, pipeline

from splitlearn.config import TrainingConfig, renamed
from splitlearn.data import load_tokenizer


@pytest.fixture
def trained(splitlearn, settings):
    """A run that has ended, in the current folder."""
    assert splitlearn("train", *settings)[0] == 0


@pytest.fixture
def exported(splitlearn, trained):
    """The trained model as a folder of the library."""
    assert splitlearn("export", "--out=joined")[0] == 0
    return Path("joined")


def test_readers_need_no_settings_and_no_text(splitlearn, settings, trained, text, tmp_path, monkeypatch):
    """The text is gone, the run's folder was moved, and the current folder is another one."""
    known = json.loads(splitlearn("eval", *settings)[1])
    shutil.copy(text, tmp_path / "other.txt")
    text.unlink()
    Path("checkpoints").rename("kept")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    where = "--save-dir=../kept"

    assert known == json.loads(splitlearn("eval", where, "--eval-data=../other.txt")[1])
    status, out, _ = splitlearn("generate", where, "--prompt=Line 1", "--max-new-tokens=3")
    assert (status, out[:6]) == (0, "Line 1")
    assert splitlearn("export", where, "--out=joined")[0] == 0


def test_flags_are_for_what_differs(splitlearn, trained):
    halves = [json.loads(splitlearn("eval", f"--max-length={length}")[1]) for length in (16, 8)]

    assert halves[0]["tokens"] > halves[1]["tokens"]


def test_damaged_settings_are_named(splitlearn, trained):
    Path("checkpoints/default/client/splitlearn.json").write_text('{"speed": 1}')

    status, _, err = splitlearn("eval")
    assert status == 2
    assert "splitlearn.json: speed: there is no such setting" in err


def test_settings_that_were_left_under_an_old_name_are_read(splitlearn, trained, caplog):
    known = splitlearn("eval")[1]
    path = Path("checkpoints/default/client/splitlearn.json")
    path.write_text(path.read_text().replace('"retry_timeout"', '"patience"'))
    renamed._warn.cache_clear()
    caplog.clear()

    assert known == splitlearn("eval")[1]
    assert ["patience is now called retry_timeout; the old name will be refused one day"] == [
        message for message in caplog.messages if "patience" in message
    ]


def test_a_variable_of_the_environment_overrides_what_the_run_has_left(splitlearn, trained, monkeypatch, caplog):
    monkeypatch.setenv("SPLITLEARN_MAX_LENGTH", "8")
    monkeypatch.setenv("SPLITLEARN_MAX_LENGHT", "8")

    assert splitlearn("eval")[1] == splitlearn("eval", "--max-length=8")[1]
    told = [message for message in caplog.messages if "SPLITLEARN_MAX_LENGHT" in message]
    assert 2 == len(told), "once a command"


def test_a_resumed_run_leaves_its_own_settings(splitlearn, settings, trained):
    plain = [*settings, "--save-dir=plain", "--use-scheduler=false"]
    splitlearn("train", *plain)
    folder = Path("plain/default/client")
    before = sorted(path.name for path in folder.glob("tokenizer-*"))
    splitlearn("train", *plain, "--max-steps=6", "--resume")

    assert json.loads((folder / "splitlearn.json").read_text())["max_steps"] == 6
    assert before == sorted(path.name for path in folder.glob("*tokenizer-*"))


def test_an_export_is_a_whole_model_for_the_library(exported):
    tokenizer = AutoTokenizer.from_pretrained(exported)
    writer = pipeline("text-generation", model=str(exported))
    (found,) = writer("Line 1", max_new_tokens=3, do_sample=False)

    assert found["generated_text"].startswith("Line 1")
    assert tokenizer.eos_token_id == GPT2LMHeadModel.from_pretrained(exported).config.eos_token_id


def test_an_export_is_not_overwritten_in_silence(splitlearn, exported, small_model):
    before = (exported / "model.safetensors").read_bytes()
    for words in (["export"], ["split", f"--model={small_model()}"]):
        status, _, err = splitlearn(*words, "--out=joined")
        assert status == 2
        assert "out = joined: the folder holds something; choose another one, or add --overwrite" in err
    assert before == (exported / "model.safetensors").read_bytes()

    assert splitlearn("export", "--out=joined", "--overwrite")[0] == 0


# The tokenizer of a model


@pytest.fixture
def model_with_tokenizer(small_model, tmp_path):
    """A model, and a tokenizer that nobody would train on the text of these tests."""
    folder = tmp_path / "pretrained"
    shutil.copytree(small_model(), folder)
    load_tokenizer(TrainingConfig(vocab_size=299)).save(folder)
    return folder


def test_the_tokenizer_of_a_model_is_the_default(model_with_tokenizer, text):
    config = TrainingConfig(model=str(model_with_tokenizer), data=str(text))

    assert load_tokenizer(config).fingerprint() == load_tokenizer(TrainingConfig(vocab_size=299)).fingerprint()
    assert load_tokenizer(config.but(model="tiny")).fingerprint() != load_tokenizer(config).fingerprint()


def test_a_tokenizer_that_is_named_comes_before_the_models_own(model_with_tokenizer, tmp_path):
    load_tokenizer(TrainingConfig(vocab_size=280)).save(tmp_path / "other")
    config = TrainingConfig(model=str(model_with_tokenizer), tokenizer=str(tmp_path / "other"))

    assert load_tokenizer(config).vocab_size == 280


def test_parts_keep_the_tokenizer_of_the_model(splitlearn, model_with_tokenizer, text):
    splitlearn("split", f"--model={model_with_tokenizer}", "--out=parts")
    splitlearn("export", "--model=parts", "--initial", "--out=joined")
    own = load_tokenizer(TrainingConfig(vocab_size=299)).fingerprint()

    for folder in "parts", "joined":
        assert own == load_tokenizer(TrainingConfig(model=folder, data=str(text))).fingerprint()


def test_a_model_without_a_tokenizer_is_reported(small_model, text, caplog):
    load_tokenizer(TrainingConfig(model=str(small_model()), data=str(text), vocab_size=300))

    assert "has no tokenizer: one is trained on the data" in caplog.text


def test_a_vocabulary_that_does_not_fit_is_refused_though_its_ids_do_not_occur(splitlearn, settings, tmp_path):
    load_tokenizer(TrainingConfig(vocab_size=301)).save(tmp_path / "larger")
    (tmp_path / "bytes.txt").write_text("xyz")
    words = [*settings, f"--tokenizer={tmp_path / 'larger'}", f"--data={tmp_path / 'bytes.txt'}"]

    status, _, err = splitlearn("train", *words)
    assert status == 2
    assert "the tokenizer has 301 tokens, and the model knows 300" in err


# A new run from the weights of another


def test_a_run_starts_from_the_weights_of_an_export(splitlearn, settings, exported, text):
    """Bit for bit the run of that model with fresh optimizer state; flags set whatever differs."""
    longer = ["--session=longer", f"--data={text}", "--max-steps=2", "--trunk-address=local"]
    status, out, err = splitlearn("train", "--init-from=joined", *longer)
    assert status == 0, err
    assert "2 steps, last loss" in out
    model = [*settings[2:], "--model=joined", "--tokenizer=joined", *longer, "--save-dir=plain"]
    assert splitlearn("train", *model)[0] == 0

    for role in ("client", "trunk"):
        ours, theirs = (
            load_file(f"{folder}/longer/{role}/step-00000002.safetensors") for folder in ("checkpoints", "plain")
        )
        assert ours.keys() == theirs.keys()
        assert all(same_bits(value, theirs[name]) for name, value in ours.items())
    settings_used = json.loads(Path("checkpoints/longer/client/splitlearn.json").read_text())
    assert (settings_used["max_length"], settings_used["batch_size"]) == (16, 4)


def test_the_first_step_of_such_a_run_is_that_of_the_exported_weights(splitlearn, settings, exported, text):
    first = ["--session=first", f"--data={text}", "--max-steps=1", "--trunk-address=local", "--learning-rate=1e-12"]
    splitlearn("train", "--init-from=joined", *first)
    weights = load_file("checkpoints/first/trunk/step-00000001.safetensors")
    joined = GPT2LMHeadModel.from_pretrained(exported).state_dict()
    name = "transformer.h.1.mlp.c_fc.weight"

    assert torch.allclose(joined[name], weights[f"weights/{name}"], rtol=0, atol=1e-9)


def test_a_trunk_with_other_weights_is_refused(splitlearn, settings, exported, text, small_model, start_trunk):
    trunk = start_trunk(f"--model={small_model()}", "--save-dir=trunk")
    words = ["--init-from=joined", "--session=longer", f"--data={text}", f"--trunk-address={trunk.address}"]
    status, _, err = splitlearn("train", *words)

    assert status == 2
    assert "initial weights" in err


def test_a_folder_that_is_no_export_is_refused(splitlearn, small_model):
    status, _, err = splitlearn("train", f"--init-from={small_model()}")

    assert status == 2
    assert "splitlearn.json cannot be read" in err
    assert "use --model for any other" in err


def test_a_config_file_changes_only_what_it_says_of_an_export(splitlearn, settings, exported, text):
    Path("run.json").write_text('{"batch_size": 2, "max_steps": 1, "trunk_address": "local", "session": "longer"}')
    status, _, err = splitlearn("train", "--init-from=joined", "--config=run.json", f"--data={text}")

    assert status == 0, err
    used = json.loads(Path("checkpoints/longer/client/splitlearn.json").read_text())
    assert (used["model"], used["max_length"], used["batch_size"]) == (str(exported.resolve()), 16, 2)


@pytest.mark.parametrize(
    ("file", "complaint"),
    [({"model": "tiny"}, "model = tiny names other weights"), ({"cuts": "0:2"}, "run.json says cuts = 0:2")],
)
def test_a_config_file_that_contradicts_an_export_is_refused(splitlearn, exported, file, complaint):
    Path("run.json").write_text(json.dumps(file))
    status, _, err = splitlearn("train", "--init-from=joined", "--config=run.json", "--session=longer")

    assert status == 2
    assert complaint in err


def test_a_variable_that_contradicts_an_export_is_refused(splitlearn, exported, monkeypatch):
    monkeypatch.setenv("SPLITLEARN_CUTS", "0:2")
    status, _, err = splitlearn("train", "--init-from=joined", "--session=longer")

    assert status == 2
    assert "SPLITLEARN_CUTS says cuts = 0:2" in err


def test_a_config_file_changes_only_what_it_says_of_a_run(splitlearn, trained):
    known = splitlearn("eval")[1]
    Path("run.json").write_text('{"rpc_timeout": 30}')

    assert known == splitlearn("eval", "--config=run.json")[1]
