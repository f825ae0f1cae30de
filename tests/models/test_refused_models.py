"""Models and devices that are not available are refused at once, in one message."""

import shutil
import socket

import pytest
import torch
from transformers import GPT2Config

from splitlearn import hub
from splitlearn.config import TrainingConfig
from splitlearn.data import load_tokenizer
from splitlearn.determinism import make_deterministic
from splitlearn.errors import ConfigError, DataError, ModelError
from splitlearn.models import FAMILY
from splitlearn.models.sources import with_hub_tokenizer


@pytest.fixture
def nowhere(monkeypatch):
    """A hub that cannot be reached; gives the requests that were made."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    asked = []
    head = hub.requests.head

    def noted(place, **settings):
        asked.append(place)
        return head(place, **settings)

    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(hub.requests, "head", noted)
    hub._hub_answers.cache_clear()
    yield asked
    hub._hub_answers.cache_clear()


@pytest.mark.parametrize(("name", "meant"), [("smal", "small"), ("tinny", "tiny"), ("mikro", "micro")])
def test_a_misspelt_preset_is_recognised_before_anybody_is_asked(nowhere, name, meant):
    with pytest.raises(ModelError, match=f"'{name}': there is no such preset or folder; did you mean '{meant}'"):
        FAMILY.load_client(TrainingConfig(model=name))
    assert nowhere == []


@pytest.mark.parametrize("name", ["gpt2", "gpt2-medium", "distilgpt2", "someone/small"])
def test_names_of_the_hub_are_not_taken_for_misspelt(nowhere, name):
    with pytest.raises(ModelError, match="cannot be loaded"):
        FAMILY.load_client(TrainingConfig(model=name))


def test_a_hub_that_cannot_be_reached_is_asked_once_and_said_in_one_message(nowhere, caplog):
    with pytest.raises(DataError, match="tokenizer = someone/gpt2: cannot be loaded"):
        load_tokenizer(TrainingConfig(tokenizer="someone/gpt2"))
    for load in FAMILY.load_client, with_hub_tokenizer:
        with pytest.raises(ModelError, match="where the hub cannot be reached, download the model elsewhere"):
            load(TrainingConfig(model="someone/gpt2"))

    assert len(nowhere) == 1
    assert [record.name for record in caplog.records] == ["splitlearn.hub"]


def test_a_model_of_the_hub_comes_with_its_tokenizer(monkeypatch, small_model):
    monkeypatch.setattr("splitlearn.models.sources.load_config", lambda _: None)
    config = TrainingConfig(model="someone/gpt2")

    assert with_hub_tokenizer(config).tokenizer == "someone/gpt2"
    assert with_hub_tokenizer(config.but(tokenizer="other/one")).tokenizer == "other/one"
    for model in ("tiny", str(small_model())):
        assert with_hub_tokenizer(config.but(model=model)).tokenizer == ""


def test_a_folder_asks_nobody(nowhere, small_model):
    FAMILY.load_client(TrainingConfig(model=str(small_model())))

    assert nowhere == []


def test_a_model_with_cross_attention_is_refused(small_model, tmp_path):
    shutil.copytree(small_model(), tmp_path / "model")
    settings = GPT2Config.from_pretrained(tmp_path / "model")
    settings.add_cross_attention = True
    settings.save_pretrained(tmp_path / "model")

    for load in FAMILY.load_client, FAMILY.load_trunk:
        with pytest.raises(ModelError, match="has add_cross_attention; only a decoder by itself can be cut"):
            load(TrainingConfig(model=str(tmp_path / "model")))


@pytest.mark.parametrize(
    ("device", "found", "words"),
    [
        ("cuda", 0, "torch finds no CUDA device on this machine; use --device cpu"),
        ("cuda:3", 2, "torch finds 2 CUDA devices on this machine; use --device cpu, or one that it has"),
    ],
)
def test_a_device_that_is_not_there_is_refused(monkeypatch, device, found, words):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: found)

    with pytest.raises(ConfigError, match=f"device = {device}: {words}"):
        make_deterministic(TrainingConfig(device=device))
