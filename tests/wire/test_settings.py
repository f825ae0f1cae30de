import argparse
import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from splitlearn.codecs import CODECS
from splitlearn.config import TrainingConfig, add_config_flags, config_from_flags
from splitlearn.cuts import Cuts
from splitlearn.errors import ConfigError

cuts = st.tuples(st.integers(0, 40), st.integers(1, 40)).map(lambda pair: Cuts(pair[0], pair[0] + pair[1]))
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
values = {
    "mode": st.sampled_from(["training", "inference"]),
    "device": st.sampled_from(["cpu", "cuda", "cuda:3"]),
    "threads": st.integers(1, 64),
    "seed": st.integers(0, 2**63 - 1),
    "model": words,
    "cuts": cuts,
    "attention": st.sampled_from(["eager", "sdpa"]),
    "dropout": st.none() | st.floats(0, 0.99),
    "learning_rate": st.floats(1e-12, 10),
    "weight_decay": st.floats(0, 10),
    "max_grad_norm": st.floats(0, 1e9),
    "use_scheduler": st.booleans(),
    "scheduler_type": st.sampled_from(["constant", "linear", "cosine"]),
    "data": words,
    "save_dir": st.from_regex(r"[a-z]{1,5}(/[a-z ]{1,5}[a-z]){0,3}", fullmatch=True).map(Path),
    "session": st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", fullmatch=True),
    "codec": st.sampled_from([*CODECS]),
    "trunk_address": st.sampled_from(["local", "127.0.0.1:50051", "[::1]:1"]),
    "rpc_timeout": st.floats(0.001, 3600),
    "max_message_bytes": st.integers(1 << 20, 1 << 30),
}
configs = st.fixed_dictionaries({}, optional=values).map(TrainingConfig.parse)


def flags_of(*words):
    parser = argparse.ArgumentParser()
    add_config_flags(parser)
    return config_from_flags(parser.parse_args(words))


@given(config=configs)
def test_a_config_survives_json(tmp_path_factory, config):
    path = tmp_path_factory.getbasetemp() / "config.json"
    config.save(path)

    assert config == TrainingConfig.load(path)
    assert config == TrainingConfig.parse(json.loads(path.read_text()))


@given(config=configs)
@example(config=TrainingConfig(session="--"))
def test_a_config_survives_the_command_line(config):
    words = []
    for name, value in config.model_dump().items():
        if value is not None:
            words.append(f"--{name.replace('_', '-')}={value}")
    assert config == flags_of(*words)


@given(config=configs)
def test_flags_override_the_file(tmp_path_factory, config):
    path = tmp_path_factory.getbasetemp() / "config.json"
    config.save(path)

    assert config.but(seed=12345) == flags_of("--config", str(path), "--seed", "12345")
    assert config == config.but()


@pytest.mark.parametrize("name", TrainingConfig.model_fields)
def test_every_field_is_a_flag_with_help(name):
    parser = argparse.ArgumentParser()
    add_config_flags(parser)
    flag = f"--{name.replace('_', '-')}"
    action = parser._option_string_actions[flag]

    assert "default:" in action.help
    assert flag in parser.format_help()


BAD = {
    "threads": "0",
    "seed": "-1",
    "dtype": "float64",
    "device": "tpu",
    "cuts": "3:1",
    "attention": "flash",
    "dropout": "1.5",
    "learning_rate": "0",
    "weight_decay": "nan",
    "optimizer_type": "adagrad",
    "max_grad_norm": "inf",
    "label_smoothing": "1",
    "use_scheduler": "perhaps",
    "scheduler_type": "step",
    "vocab_size": "10",
    "max_length": "1",
    "batch_size": "0",
    "gradient_accumulation_steps": "0",
    "session": "../elsewhere",
    "codec": "gzip",
    "trunk_address": "nowhere",
    "rpc_timeout": "0",
    "max_message_bytes": "5",
    "max_pending_bytes": "much",
    "max_activation_bytes": "0",
}


@pytest.mark.parametrize(("name", "value"), BAD.items(), ids=BAD)
def test_a_bad_value_is_named_with_its_field(name, value):
    with pytest.raises(ConfigError, match=f"{name} = '{value}': ."):
        flags_of(f"--{name.replace('_', '-')}={value}")


def test_every_bad_value_is_named():
    with pytest.raises(ConfigError) as caught:
        flags_of("--threads=0", "--codec=gzip")
    assert {"threads", "codec"} == {line.split(" = ")[0] for line in str(caught.value).splitlines()}


@pytest.mark.parametrize("text", ["1", "a:b", "1:3:5", "-1:3", "", "1: 3"])
def test_cuts_say_how_they_are_written(text):
    with pytest.raises(ConfigError, match="lower:upper, like 1:3"):
        TrainingConfig.parse({"cuts": text})


def test_an_unknown_setting_in_a_file_is_refused(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"learning_rat": 1}')

    with pytest.raises(ConfigError, match="learning_rat: there is no such setting"):
        TrainingConfig.load(path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", b"\xff".decode("latin1")])
def test_a_file_that_is_no_config_is_refused_with_its_path(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_text(content)

    with pytest.raises(ConfigError, match=r"config\.json"):
        TrainingConfig.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read the config .*none.json: No such file"):
        TrainingConfig.load(tmp_path / "none.json")


def test_a_warm_up_longer_than_the_training_is_refused():
    with pytest.raises(ConfigError, match=r"warmup_steps = 9: at most max_steps \(5\)"):
        TrainingConfig.parse({"warmup_steps": 9, "max_steps": 5})


def test_a_config_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        TrainingConfig().seed = 1
