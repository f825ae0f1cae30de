"""A setting's old name works wherever it did, and is warned of once."""

import argparse
import json

import pytest

from splitlearn.config import TrainingConfig, add_config_flags, config_from_flags, renamed
from splitlearn.errors import ConfigError


@pytest.fixture(autouse=True)
def not_warned_yet():
    renamed._warn.cache_clear()


def read(*words):
    parser = argparse.ArgumentParser()
    add_config_flags(parser)
    return config_from_flags(parser.parse_args(list(map(str, words))))


def test_every_new_name_is_a_setting_and_no_old_one():
    assert {*renamed.OLD_NAMES.values()} <= TrainingConfig.model_fields.keys()
    assert not renamed.OLD_NAMES.keys() & TrainingConfig.model_fields.keys()


def test_the_old_flag_works_and_says_the_new_one(caplog):
    assert TrainingConfig(retry_timeout=7) == read("--patience=7") == read("--patience", 7)
    assert ["--patience is now called --retry-timeout; the old name will be refused one day"] == caplog.messages


def test_the_old_flag_is_not_shown():
    parser = argparse.ArgumentParser()
    add_config_flags(parser)
    assert "patience" not in parser.format_help()


def test_a_command_without_the_setting_has_no_flag_of_its_old_name():
    parser = argparse.ArgumentParser()
    add_config_flags(parser, ["seed"])
    assert ["--patience=7"] == parser.parse_known_args(["--patience=7"])[1]


def test_the_old_key_of_a_file_works_and_says_the_new_one(tmp_path, caplog):
    (tmp_path / "run.json").write_text('{"patience": 7}')
    assert TrainingConfig(retry_timeout=7) == TrainingConfig.load(tmp_path / "run.json")
    assert TrainingConfig(retry_timeout=7) == read("--config", tmp_path / "run.json")
    assert ["patience is now called retry_timeout; the old name will be refused one day"] == caplog.messages


def test_a_flag_of_the_new_name_overrides_an_old_key(tmp_path):
    (tmp_path / "run.json").write_text('{"patience": 7}')
    assert 8 == read("--config", tmp_path / "run.json", "--retry-timeout=8").retry_timeout


def test_a_config_can_be_changed_by_the_old_name():
    assert 7 == TrainingConfig().but(patience=7).retry_timeout


def test_both_names_together_are_refused(tmp_path):
    with pytest.raises(
        ConfigError, match=r"^--patience is the old name of --retry-timeout: give --retry-timeout alone$"
    ):
        read("--patience=7", "--retry-timeout=8")
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"patience": 7, "retry_timeout": 7}))
    with pytest.raises(
        ConfigError, match=r"run\.json: patience is the old name of retry_timeout: give retry_timeout alone$"
    ):
        TrainingConfig.load(path)


def test_a_bad_value_is_reported_by_the_new_name():
    with pytest.raises(ConfigError, match=r"^retry_timeout = '-1': "):
        read("--patience=-1")
