"""Every command in this process, with the trunk in it where one is needed."""

import errno
import io
import json
import logging
import sys
from pathlib import Path

import pytest
import torch
from exactness.uncut import same_bits
from safetensors.torch import load_file
from transformers import GPT2LMHeadModel

from splitlearn.config import TrainingConfig
from splitlearn.data import load_tokenizer


def refused(splitlearn, *words):
    """Run a command that must end with status 2 and one message; return the message."""
    status, out, err = splitlearn(*words)
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    return err


def test_help_lists_the_commands(splitlearn):
    status, out, _ = splitlearn("--help")

    assert status == 0
    assert all(word in out for word in ("trunk", "train", "eval", "generate", "split", "export"))


@pytest.mark.parametrize("command", ["train", "eval", "generate", "split", "export"])
def test_the_help_of_a_command_has_every_setting(splitlearn, command):
    status, out, _ = splitlearn(command, "--help")

    assert status == 0
    assert all("--" + name.replace("_", "-") in out for name in TrainingConfig.model_fields)


def test_the_help_of_a_trunk_has_what_a_trunk_reads_and_no_more(splitlearn):
    status, out, _ = splitlearn("trunk", "--help")

    assert status == 0
    assert all(flag in out for flag in ("--host", "--model", "--threads", "--optimizer-type", "--max-pending-bytes"))
    assert not any(
        flag in out for flag in ("--data", "--learning-rate", "--batch-size", "--trunk-address", "--session ")
    )


@pytest.mark.parametrize("words", [["trunk", "--port=70000"], ["train", "--trunk-address=127.0.0.1:70000"]])
def test_an_invalid_port_is_refused(splitlearn, words):
    assert "65535" in refused(splitlearn, *words)


def test_an_unknown_command_is_wrong_usage(splitlearn):
    assert "invalid choice: 'fly'" in refused(splitlearn, "fly")
    assert "COMMAND" in refused(splitlearn)
    assert "--speed" in refused(splitlearn, "train", "--speed=9")


class FullDisk(io.StringIO):
    """A file to which nothing can be written."""

    def write(self, _):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("flag", "expected"), [("--seed=0", 0), ("--max-length=25", 2)])
def test_standard_error_on_a_full_disk_changes_no_exit_status(splitlearn, settings, monkeypatch, flag, expected):
    monkeypatch.setattr(sys, "stderr", FullDisk())

    assert splitlearn("train", *settings, flag)[0] == expected


# train, eval, generate, export


def test_a_model_is_trained_read_and_exported(splitlearn, settings, tmp_path):
    status, out, _ = splitlearn("train", *settings)
    assert status == 0
    assert "4 steps, last loss " in out
    metrics = Path(out.strip().rpartition("metrics in ")[2])
    assert len(metrics.read_text().splitlines()) == 4

    status, out, _ = splitlearn("eval", *settings)
    trained = json.loads(out)
    assert (status, trained["step"]) == (0, 4)
    untrained = json.loads(splitlearn("eval", *settings, "--initial")[1])
    assert untrained["step"] == 0
    assert untrained["tokens"] == trained["tokens"]
    assert untrained["loss"] > trained["loss"]

    status, out, _ = splitlearn("export", *settings, f"--out={tmp_path / 'joined'}")
    assert status == 0
    joined = GPT2LMHeadModel.from_pretrained(tmp_path / "joined").state_dict()
    for role in ("client", "trunk"):
        saved = load_file(tmp_path / "checkpoints" / "default" / role / "step-00000004.safetensors")
        weights = {name.removeprefix("weights/"): value for name, value in saved.items() if name.startswith("weights/")}
        assert all(same_bits(value, joined[name]) for name, value in weights.items())

    exported = [f"--model={tmp_path / 'joined'}", *settings[1:], "--initial"]
    assert trained["loss"] == json.loads(splitlearn("eval", *exported)[1])["loss"]


def test_metrics_go_to_a_table_and_a_board_and_the_log_is_json_where_asked(splitlearn, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])
    more = [f"--metrics-csv={tmp_path / 'metrics.csv'}", f"--tensorboard={tmp_path / 'board'}", "--log-format=json"]
    status, _, err = splitlearn("train", *settings, *more, "--log-interval=1")

    assert status == 0
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 1 + 4
    assert list((tmp_path / "board").iterdir())
    lines = [json.loads(line) for line in err.splitlines()]
    steps = [line for line in lines if line["message"].startswith("step ")]
    assert [0, 1, 2, 3] == [line["step"] for line in steps]
    assert {"time", "level", "logger", "loss", "tokens"} <= steps[0].keys()


def test_another_text_is_evaluated_with_the_tokenizer_of_the_training(splitlearn, settings, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("Line 1 says.\nLine 2 says.")

    status, out, _ = splitlearn("eval", *settings, "--initial", f"--eval-data={other}")
    assert status == 0
    assert 0 < json.loads(out)["tokens"] < 40


def test_text_is_the_same_for_a_seed(splitlearn, settings):
    words = ["generate", *settings, "--initial", "--prompt=Line 1", "--max-new-tokens=12"]
    status, out, _ = splitlearn(*words)

    assert status == 0
    assert out.startswith("Line 1")
    assert out == splitlearn(*words)[1]
    assert out != splitlearn(*words, "--temperature=0")[1]


def test_an_empty_prompt_starts_from_the_end_of_a_text(splitlearn, settings):
    status, out, _ = splitlearn("generate", *settings, "--initial", "--prompt=", "--max-new-tokens=3")

    assert status == 0
    assert out.startswith("<|endoftext|>")


@pytest.mark.parametrize("flag", ["--max-new-tokens=-1", "--top-k=-2", "--temperature=-0.5", "--temperature=nan"])
def test_impossible_sampling_is_refused(splitlearn, settings, flag):
    name = flag[2:].partition("=")[0].replace("-", "_")
    assert f"{name} = " in refused(splitlearn, "generate", *settings, "--initial", flag)


def test_a_prompt_that_the_model_cannot_embed_is_refused(splitlearn, settings):
    words = [*settings, "--initial", "--vocab-size=500", "--prompt=Line says that and are"]
    message = refused(splitlearn, "generate", *words, "--data=")

    assert "the model knows 300" in message


@pytest.mark.parametrize("command", ["eval", "generate"])
def test_another_tokenizer_than_that_of_the_training_is_refused(splitlearn, settings, tmp_path, command):
    splitlearn("train", *settings)
    load_tokenizer(TrainingConfig(vocab_size=290)).save(tmp_path / "other")

    assert "vocabulary of the tokenizer" in refused(splitlearn, command, f"--tokenizer={tmp_path / 'other'}")


def test_training_goes_on_where_it_ended(splitlearn, settings, tmp_path):
    splitlearn("train", *settings, "--max-steps=8", f"--save-dir={tmp_path / 'calm'}", "--use-scheduler=false")
    splitlearn("train", *settings, "--use-scheduler=false")
    status, _, _ = splitlearn("train", *settings, "--use-scheduler=false", "--max-steps=8", "--resume")

    assert status == 0
    for role in ("client", "trunk"):
        calm, resumed = (
            load_file(tmp_path / folder / "default" / role / "step-00000008.safetensors")
            for folder in ("calm", "checkpoints")
        )
        assert all(same_bits(value, resumed[name]) for name, value in calm.items())


def test_settings_come_from_a_file(splitlearn, settings, small_model, text, tmp_path):
    TrainingConfig(
        model=str(small_model()), data=str(text), data_format="lines", vocab_size=300, max_length=16, batch_size=4,
        max_steps=4, trunk_address="local",
    ).save(tmp_path / "run.json")  # fmt: skip

    expected = splitlearn("eval", *settings, "--initial")
    assert expected == splitlearn("eval", f"--config={tmp_path / 'run.json'}", "--initial")


def test_checkpoints_of_another_run_are_not_read(splitlearn, settings):
    splitlearn("train", *settings)

    assert "continue with --resume" in refused(splitlearn, "train", *settings)
    assert "seed = 0, now it is 1" in refused(splitlearn, "export", *settings, "--seed=1", "--out=joined")
    assert "no checkpoint in" in refused(splitlearn, "eval", *settings, "--session=other")
    assert "no step in common" in refused(splitlearn, "export", *settings, "--session=other", "--out=joined")
    assert not Path("joined").exists()


# split and export without training


def test_split_and_export_give_back_the_model(splitlearn, settings, small_model):
    status, out, _ = splitlearn("split", f"--model={small_model()}", "--cuts=1:3", "--out=parts")
    assert status == 0
    assert "bottom, trunk and top" in out
    assert splitlearn("export", "--model=parts", "--cuts=1:3", "--initial", "--out=joined")[0] == 0

    expected, actual = (GPT2LMHeadModel.from_pretrained(folder).state_dict() for folder in (small_model(), "joined"))
    assert all(same_bits(value, actual[name]) for name, value in expected.items())
    assert "use --cuts 1:3" in refused(splitlearn, "train", *settings, "--model=parts", "--cuts=0:2")


@pytest.mark.parametrize("command", ["split", "export"])
def test_an_output_folder_must_be_named(splitlearn, command):
    assert "--out" in refused(splitlearn, command)


@pytest.mark.parametrize("command", ["split --cuts=1:3", "export --initial"])
def test_an_output_folder_that_cannot_be_made_is_explained(splitlearn, small_model, tmp_path, command):
    (tmp_path / "file").write_text("")

    message = refused(splitlearn, *command.split(), f"--model={small_model()}", f"--out={tmp_path / 'file'}")
    assert "file" in message


# Refusals


BAD = {
    "a setting": (["--batch-size=0"], "batch_size = '0'"),
    "cuts": (["--cuts=3:1"], "3:1 leave no block for the trunk"),
    "cuts beyond the model": (["--cuts=1:9"], "the model has 4 blocks"),
    "more tokens than the model takes": (["--max-length=25"], "max_length = 25: the model has 24 positions"),
    "a model": (["--model=/no/such/folder"], "give a preset"),
    "a misspelt preset": (["--model=smal"], "did you mean 'small'?"),
    "a text": (["--data=/no/such/text"], "there is no such file"),
    "a folder as text": (["--data=/"], "this is a folder"),
    "a config": (["--config=/no/such/config"], "cannot read the config"),
    "a tokenizer": (["--tokenizer=/no/such/tokenizer"], "tokenizer = /no/such/tokenizer"),
}


@pytest.mark.parametrize(("flags", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_named(splitlearn, settings, flags, words):
    message = refused(splitlearn, "train", *settings, *flags)

    assert words in message
    assert message.startswith("splitlearn train: ")


def test_an_empty_text_is_refused(splitlearn, settings, tmp_path):
    (tmp_path / "empty.txt").write_text("\n \n")

    assert "the file holds no text" in refused(splitlearn, "train", *settings, f"--data={tmp_path / 'empty.txt'}")


def test_a_tokenizer_larger_than_the_model_is_refused(splitlearn, settings):
    message = refused(splitlearn, "train", *settings, "--data=", "--vocab-size=600")

    assert "the tokenizer has 600 tokens, and the model knows 300; set tokenizer to the model's own" in message


def test_a_save_folder_that_is_a_file_is_explained(splitlearn, settings, tmp_path):
    (tmp_path / "file").write_text("")

    assert "file" in refused(splitlearn, "train", *settings, f"--save-dir={tmp_path / 'file'}")


def test_a_trunk_that_is_not_running_is_explained(splitlearn, settings):
    """Nothing listens on port 1."""
    message = refused(splitlearn, "train", *settings, "--trunk-address=127.0.0.1:1", "--retry-timeout=0.3")

    assert "trunk at 127.0.0.1:1: OpenSession: " in message
    assert "is `splitlearn trunk` running there" in message


def test_state_of_torch_is_as_the_tests_set_it():
    assert torch.get_num_threads() == 1
