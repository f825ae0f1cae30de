"""Settings in environment variables override a file, yield to flags, and do not reach the harness's programs."""

import argparse
import json
import logging

import pytest

from splitlearn.config import TrainingConfig, add_config_flags, config_from_flags
from splitlearn.config.environment import variable_of, without_settings
from splitlearn.errors import ConfigError


def read(*words):
    parser = argparse.ArgumentParser()
    add_config_flags(parser)
    return config_from_flags(parser.parse_args(list(map(str, words))))


@pytest.fixture
def set_variable(monkeypatch):
    return lambda name, value: monkeypatch.setenv(f"SPLITLEARN_{name}", value)


OTHER = {
    "use_scheduler": ("false", False),
    "learning_rate": ("0.125", 0.125),
    "cuts": ("2:3", "2:3"),
    "save_dir": ("/elsewhere", "/elsewhere"),
    "dropout": ("0.5", 0.5),
    "codec": ("zlib", "zlib"),
    "seed": ("11", 11),
    "data": ("[1]", "[1]"),
}


@pytest.mark.parametrize(("name", "text", "value"), [(name, *both) for name, both in OTHER.items()], ids=OTHER)
def test_a_variable_is_read_as_its_flag_is(set_variable, name, text, value):
    set_variable(name.upper(), text)
    config = read()
    assert config == read(f"--{name.replace('_', '-')}={text}")
    assert config.model_dump(mode="json")[name] == value


def test_a_variable_overrides_the_file_and_a_flag_overrides_both(set_variable, tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"seed": 1, "batch_size": 2, "max_length": 16}))
    set_variable("SEED", "3")
    set_variable("BATCH_SIZE", "4")

    config = read("--config", tmp_path / "run.json", "--seed=5")

    assert (5, 4, 16) == (config.seed, config.batch_size, config.max_length)


def test_only_what_reads_flags_reads_the_environment(set_variable, tmp_path):
    TrainingConfig().save(tmp_path / "run.json")
    set_variable("SEED", "3")

    assert (
        0 == TrainingConfig().seed == TrainingConfig.parse({}).seed == TrainingConfig.load(tmp_path / "run.json").seed
    )


def test_an_empty_variable_counts_as_unset(set_variable):
    set_variable("SEED", "")
    assert TrainingConfig() == read()


def test_a_bad_value_is_reported_with_its_variable(set_variable):
    set_variable("LEARNING_RATE", "fast")
    with pytest.raises(ConfigError, match=r"^SPLITLEARN_LEARNING_RATE = 'fast': "):
        read()


def test_a_value_that_does_not_go_with_another_is_reported_with_its_variable(set_variable):
    set_variable("TLS_KEY", "trunk.key")
    with pytest.raises(ConfigError, match=r"belong together.*; tls_key comes from SPLITLEARN_TLS_KEY$"):
        read()


def test_a_bad_value_that_a_flag_overrides_does_no_harm(set_variable):
    set_variable("LEARNING_RATE", "fast")
    assert 1.0 == read("--learning-rate=1").learning_rate


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("LERNING_RATE", "; did you mean SPLITLEARN_LEARNING_RATE?"),
        ("learning_rat", "; did you mean SPLITLEARN_LEARNING_RATE?"),
        ("PATIENCE", "; did you mean SPLITLEARN_RETRY_TIMEOUT?"),
        ("SERVICE_HOST", ""),
        ("PORT", ""),
    ],
)
def test_a_variable_that_is_no_setting_is_named_once_and_does_nothing(set_variable, caplog, name, hint):
    set_variable(name, "1")
    with caplog.at_level(logging.WARNING):
        assert TrainingConfig() == read()
    assert [f"SPLITLEARN_{name}: there is no such setting, so this variable does nothing{hint}"] == caplog.messages


def test_a_variable_of_a_setting_logs_nothing(set_variable, caplog):
    set_variable("SEED", "1")
    read()
    assert [] == caplog.messages


def test_an_environment_without_settings_has_all_the_rest():
    settings = dict.fromkeys(map(variable_of, TrainingConfig.model_fields), "1") | {"splitlearn_seed": "1"}
    assert {"PATH": "/bin"} == without_settings({"PATH": "/bin", **settings})
