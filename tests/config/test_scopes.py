"""Every setting declares its scope, from which every list of settings is derived."""

import argparse

import pytest
from pydantic import Field

from splitlearn.agreement import agreement, shared_settings, trunk_settings
from splitlearn.commands import trunk
from splitlearn.config import Scope, TrainingConfig, names_of
from splitlearn.config.group import SettingsGroup
from splitlearn.config.scope import Both, Client
from splitlearn.config.training import GROUPS
from splitlearn.models.family import ModelIdentity

# A second definition, by hand: what the code derives from a scope is only as right as the scope itself.
SCOPES = {
    Scope.BOTH: "cuts attention seed dtype weight_decay optimizer_type",
    Scope.MODEL: "model vocab_size dropout",
    Scope.MACHINES: "threads",
    Scope.MACHINE: "device",
    Scope.KEPT: "learning_rate max_grad_norm loss_type label_smoothing use_scheduler scheduler_type warmup_steps "
    "data_format max_length batch_size gradient_accumulation_steps codec",
    Scope.DATA: "data tokenizer num_epochs max_steps",
    Scope.EACH: "mode save_dir rpc_timeout tls_ca tls_certificate tls_key token_file max_message_bytes "
    "max_pending_bytes max_activation_bytes",
    Scope.CLIENT: "schedule window max_skipped log_interval save_interval save_minutes session trunk_address "
    "retry_timeout",
}
IDENTITY = ModelIdentity("family", {}, (), "weights", 8, 8, 8)


def test_a_group_with_a_setting_of_no_scope_cannot_be_defined():
    with pytest.raises(AssertionError, match=r"Careless\.speed: a setting has one scope"):

        class Careless(SettingsGroup):
            speed: int = Field(1, description="of what nobody said whom it concerns")


def test_a_group_with_a_setting_of_two_scopes_cannot_be_defined():
    with pytest.raises(AssertionError, match=r"Torn\.speed: a setting has one scope"):

        class Torn(SettingsGroup):
            speed: Both[Client[int]] = Field(1)


@pytest.mark.parametrize("scope", Scope)
def test_a_setting_has_the_scope_that_it_must_have(scope):
    assert {*SCOPES[scope].split()} == {*names_of(scope)}


def test_every_setting_stands_in_one_group():
    assert [name for group in GROUPS for name in group.model_fields] == list(TrainingConfig.model_fields)


def test_what_both_sides_compute_with_is_compared_when_they_meet_and_by_their_checkpoints():
    config = TrainingConfig()
    assert {*names_of(Scope.BOTH)} <= shared_settings(config, IDENTITY).keys()
    assert {*names_of(Scope.BOTH, Scope.MACHINES)} <= agreement(config, IDENTITY).keys()
    own = trunk_settings(config, IDENTITY).keys() - shared_settings(config, IDENTITY).keys()
    assert {f"trunk {name}" for name in names_of(Scope.MACHINES, Scope.MACHINE)} == own


def test_a_trunk_has_flags_for_what_it_reads_and_for_nothing_else():
    parser = argparse.ArgumentParser()
    trunk.add_flags(parser)
    flags = {action.dest.removeprefix("config_") for action in parser._actions if action.dest.startswith("config_")}
    assert set(TrainingConfig.model_fields) - flags == {*names_of(Scope.KEPT, Scope.DATA, Scope.CLIENT)}


def test_help_shows_the_settings_by_group():
    parser = argparse.ArgumentParser()
    trunk.add_flags(parser)
    titles = [group.title for group in parser._action_groups]
    assert [group.__doc__.rstrip(".").lower() for group in GROUPS if group.__name__ != "DataSettings"] == [
        title for title in titles if title.endswith("settings")
    ]
