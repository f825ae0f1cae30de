"""The page of settings says what the code does."""

import re
from pathlib import Path

from splitlearn.config import Scope, TrainingConfig, names_of
from splitlearn.config.renamed import OLD_NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
ROWS = dict(re.findall(r"^\| `([A-Z]+)` \| ([^|]*) \|", PAGE, re.MULTILINE))


def test_every_scope_has_its_settings():
    assert {scope.name: {*names_of(scope)} for scope in Scope} == {
        scope: {*re.findall(r"`(\w+)`", names)} for scope, names in ROWS.items()
    }


def test_every_old_name_is_there():
    assert OLD_NAMES == dict(re.findall(r'^\| [^|]*, `"(\w+)"` \| [^|]*, `"(\w+)"` \|', PAGE, re.MULTILINE))


def test_every_variable_is_a_settings_or_an_orchestrators():
    variables = {name.lower() for name in re.findall(r"SPLITLEARN_([A-Z_]+)", PAGE)}
    assert {"service_host"} == variables - TrainingConfig.model_fields.keys()
