"""What a run is told survives every way of telling it: a file, flags, and the JSON of a scenario."""

import argparse
import json

from hypothesis import given
from properties.budget import examples, scratch

from harness.plan.scenario_json import scenario_from_json, scenario_json
from harness.properties.trainings import trainings
from splitlearn.config import TrainingConfig, add_config_flags, config_from_flags


@examples(60)
@given(trainings())
def test_a_configuration_comes_back_from_a_file(scenario):
    with scratch() as folder:
        scenario.config.save(folder / "config.json")
        assert scenario.config == TrainingConfig.load(folder / "config.json")


@examples(60)
@given(trainings())
def test_a_configuration_comes_back_from_flags(scenario):
    parser = argparse.ArgumentParser()
    add_config_flags(parser)
    values = json.loads(scenario.config.model_dump_json())
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in values.items() if value is not None]
    assert scenario.config == config_from_flags(parser.parse_args(flags))


@examples(60)
@given(trainings())
def test_a_drawn_training_comes_back_from_json(scenario):
    assert scenario == scenario_from_json(json.loads(json.dumps(scenario_json(scenario))))
