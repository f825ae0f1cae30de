"""The settings that a run leaves are valid in whatever folder a reader starts."""

from pathlib import Path

from splitlearn.client.description import describe_run
from splitlearn.config import TrainingConfig
from splitlearn.data import load_tokenizer
from splitlearn.described import settings_of_run
from splitlearn.runtime.disk import SystemDisk


def test_files_of_tls_and_the_token_are_found_from_another_folder(tmp_path, monkeypatch):
    names = {"tls_ca": "ca.pem", "tls_certificate": "me.pem", "tls_key": "me.key", "token_file": "token"}
    config = TrainingConfig(vocab_size=300, **{setting: f"secrets/{name}" for setting, name in names.items()})
    monkeypatch.chdir(tmp_path)
    describe_run(SystemDisk(), Path("run"), config, load_tokenizer(config))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    found = settings_of_run(Path("../run"))

    assert {setting: tmp_path / "secrets" / name for setting, name in names.items()} == {
        setting: found[setting] for setting in names
    }
