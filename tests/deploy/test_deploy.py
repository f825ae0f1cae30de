"""The files under deploy/ name commands and flags that exist."""

import argparse
import importlib
import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from splitlearn.cli import COMMANDS
from splitlearn.config import config_from_flags

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "splitlearn-trunk.service").read_text()
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["trunk"]


# The words of the probe and of the container's own command, each in JSON.
PROBE, IMAGE = (json.loads(words) for words in re.findall(r"CMD (\[.*\])$", DOCKERFILE, re.MULTILINE))


COMMAND_LINES = {
    "Dockerfile, command": IMAGE,
    "Dockerfile, probe": PROBE[1:],
    "compose, command": COMPOSE["command"],
    "compose, probe": COMPOSE["healthcheck"]["test"][2:],
    "unit, command": shlex.split(re.search(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)[1])[1:],
}


@pytest.mark.parametrize("words", COMMAND_LINES.values(), ids=COMMAND_LINES)
def test_every_command_line_is_one_that_the_program_takes(words):
    command, *rest = words
    assert command in COMMANDS
    parser = argparse.ArgumentParser(exit_on_error=False)
    importlib.import_module(f"splitlearn.commands.{command}").add_flags(parser)
    flags, unknown = parser.parse_known_args(rest)
    assert unknown == []
    flags.config = None  # the file of the unit lies on the machine that it is for
    config_from_flags(flags)


@pytest.mark.parametrize("name", ["Dockerfile, command", "compose, command", "unit, command"])
def test_every_trunk_listens_on_every_network(name):
    words = " ".join(COMMAND_LINES[name]).replace("=", " ")
    assert "--host 0.0.0.0 --port 50051" in words


def test_secrets_go_neither_into_the_image_nor_into_the_repository():
    for name in (".dockerignore", ".gitignore"):
        assert "deploy/secrets" in [line.rstrip("/") for line in (ROOT / name).read_text().splitlines()]


def test_a_container_with_a_read_only_root_writes_to_its_volume_only():
    (save_dir,) = [word.partition("=")[2] for word in COMPOSE["command"] if word.startswith("--save-dir=")]
    assert COMPOSE["read_only"] is True
    assert any(save_dir.startswith(volume.split(":")[1]) for volume in COMPOSE["volumes"])


def test_a_trunk_is_installed_without_the_harness():
    installed = [re.findall(r"pip install .*", text) for text in (DOCKERFILE, UNIT)]
    assert all(installed)
    assert "harness" not in str(installed)


def test_what_the_image_copies_is_there():
    copied = [word for line in re.findall(r"^COPY (.*)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
