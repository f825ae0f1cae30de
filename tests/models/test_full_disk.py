"""A disk that is full while a model is written: told with the place and what to do."""

import pytest
from safetensors import SafetensorError

from splitlearn.models import FAMILY, cutting, parts


def full(*_arguments, **_more):
    raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


def test_an_export_that_finds_no_room_is_reported(config, tmp_path, monkeypatch):
    weights = dict(cutting.load_whole(config).named_parameters())
    monkeypatch.setattr(cutting.PreTrainedModel, "save_pretrained", full)
    with pytest.raises(OSError, match=r"out could not be written: .*No space left.*; make room"):
        FAMILY.export(config, weights, tmp_path / "out")


def test_parts_that_find_no_room_are_reported(config, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "save_file", full)
    with pytest.raises(OSError, match=r"safetensors could not be written: .*No space left.*; make room"):
        FAMILY.split(config, tmp_path / "out")
