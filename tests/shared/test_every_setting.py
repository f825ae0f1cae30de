"""Every setting of a run, one by one: read as written, and compared by client and trunk where the bits depend on it."""

import argparse
import json
from pathlib import Path

import pytest

from splitlearn.agreement import agreement
from splitlearn.config import TrainingConfig, add_config_flags, config_from_flags
from splitlearn.cuts import Cuts
from splitlearn.models import FAMILY
from splitlearn.probe import NullProbe
from splitlearn.runtime import real_runtime
from splitlearn.tensor_log import NullTensorLog
from splitlearn.trunk.service import TrunkService
from splitlearn.trunk.sessions import Sessions
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import WireError

# Another value than the default of each setting, as it stands in JSON. TLS needs two files at once.
OTHER = {
    "mode": "inference", "device": "cuda:1", "schedule": "1f1b", "window": 2, "threads": 3, "dtype": "bfloat16",
    "seed": 5, "model": "micro", "cuts": "2:4", "attention": "eager", "dropout": 0.25, "learning_rate": 0.5,
    "weight_decay": 0.125, "optimizer_type": "sgd", "max_grad_norm": 2.5, "loss_type": "z_loss",
    "label_smoothing": 0.375,
    "use_scheduler": False, "scheduler_type": "cosine", "warmup_steps": 4, "data": "some.txt", "data_format": "lines",
    "tokenizer": "gpt2", "vocab_size": 300, "max_length": 32, "batch_size": 3, "gradient_accumulation_steps": 6,
    "num_epochs": 9, "max_steps": 11, "max_skipped": 7, "log_interval": 2, "save_interval": 13, "save_dir": "elsewhere",
    "session": "other", "codec": "zlib", "trunk_address": "10.0.0.1:99", "tls_ca": "ca.pem", "tls_certificate": "c.pem",
    "tls_key": "c.key", "token_file": "token", "rpc_timeout": 1.5, "retry_timeout": 2.5, "max_message_bytes": 1 << 21,
    "max_pending_bytes": 1 << 22, "max_activation_bytes": 1 << 23, "save_minutes": 1.5,
}  # fmt: skip
TOGETHER = {"tls_certificate": ("tls_key",), "tls_key": ("tls_certificate",)}

# What the bits depend on and both sides compute with, and the name by which a difference is refused.
REFUSED = {
    "threads": "how sums are cut up",
    "seed": "model weights drawn from it, and dropout",
    "dtype": "the trunk's own autocast",
    "model": "sizes and weights",
    "vocab_size": "sizes and weights of a preset",
    "cuts": "who holds which block",
    "attention": "the kernel of the trunk's blocks",
    "dropout": "the trunk's own masks",
    "weight_decay": "the trunk's own optimizer",
    "optimizer_type": "the trunk's own optimizer",
}
REFUSED_AS = {"model": "model.n_embd", "vocab_size": "model.vocab_size", "dropout": "model.resid_pdrop"}
CLIENTS = "the client alone reads it"
EACH = "each side has its own"
MAY_DIFFER = {
    "mode": "a trunk that only infers says so to whoever trains (WRONG_MODE)",
    "device": "another device rounds otherwise: checked when a run goes on, by the trunk against its own past",
    "max_skipped": CLIENTS,
    "save_minutes": "the client asks for every checkpoint",
    "learning_rate": "comes with every commit; the trunk's own is only what its optimizer begins with",
    "max_grad_norm": "the coefficient comes with every commit",
    "loss_type": CLIENTS,
    "label_smoothing": CLIENTS,
    "use_scheduler": CLIENTS,
    "scheduler_type": CLIENTS,
    "warmup_steps": CLIENTS,
    "data": CLIENTS,
    "data_format": CLIENTS,
    "tokenizer": CLIENTS,
    "max_length": CLIENTS,
    "batch_size": CLIENTS,
    "gradient_accumulation_steps": "stands in every request's key",
    "schedule": CLIENTS,
    "window": CLIENTS,
    "num_epochs": CLIENTS,
    "max_steps": CLIENTS,
    "codec": "the client says which, and the trunk must know it; both directions are coded so",
    "log_interval": CLIENTS,
    "save_interval": "the client asks for every checkpoint",
    "save_dir": EACH,
    "session": "the client says which",
    "trunk_address": CLIENTS,
    "tls_ca": EACH,
    "tls_certificate": EACH,
    "tls_key": EACH,
    "token_file": "another token is refused before anything is compared",
    "rpc_timeout": EACH,
    "retry_timeout": CLIENTS,
    "max_message_bytes": EACH,
    "max_pending_bytes": EACH,
    "max_activation_bytes": EACH,
}


def changed(name):
    """Return the default settings with one changed, and what cannot be without it."""
    return {key: OTHER[key] for key in (name, *TOGETHER.get(name, ()))}


def as_json(config):
    return json.loads(config.model_dump_json())


def test_every_setting_is_either_compared_or_may_differ_for_a_reason():
    assert not REFUSED.keys() & MAY_DIFFER.keys()
    assert TrainingConfig.model_fields.keys() == REFUSED.keys() | MAY_DIFFER.keys() == OTHER.keys()


@pytest.mark.parametrize("name", TrainingConfig.model_fields)
def test_a_setting_is_what_was_written_and_nothing_else_changes(tmp_path, name):
    """The file is read here by the standard library, as the judge's process and anybody else may do."""
    changes = changed(name)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(changes))
    parser = argparse.ArgumentParser()
    add_config_flags(parser)
    flags = [f"--{key.replace('_', '-')}={value}" for key, value in changes.items()]
    expected = {**as_json(TrainingConfig()), **changes}

    loaded = TrainingConfig.load(path)
    assert expected == as_json(loaded) == as_json(TrainingConfig().but(**changes))
    assert expected == as_json(config_from_flags(parser.parse_args(flags)))
    loaded.save(path)
    assert expected == json.loads(path.read_text())
    for key, value in changes.items():
        kept = getattr(loaded, key)
        assert kept in (value, Path(str(value)), Cuts(2, 4)), "the attribute is the value, not only its text"
        assert kept != getattr(TrainingConfig(), key)


def test_cuts_name_the_first_block_of_the_trunk_and_the_first_behind_it():
    cuts = TrainingConfig(cuts="1:3").cuts
    assert (1, 3) == (cuts.lower, cuts.upper)


BASE = TrainingConfig(model="tiny", vocab_size=280)


def refusal(trunk, client):
    """Return why a trunk of one configuration refuses a client of another; empty when it takes it."""
    runtime = real_runtime()
    service = TrunkService(
        trunk,
        FAMILY.load_trunk(trunk)[1],
        lambda: FAMILY.load_trunk(trunk)[0],
        Sessions(1, runtime.clock, runtime.entropy),
        NullProbe(),
        NullTensorLog(),
        runtime.disk,
    )
    said = agreement(client, FAMILY.load_client(client)[1])
    request = pb.OpenSessionRequest(session_id="run", agreement=said, client="a client", opening=1, codec=client.codec)
    try:
        service.open_session(request)
    except WireError as error:
        return f"{error.reason.value}: {error.message}"
    return ""


def test_a_trunk_takes_a_client_of_the_same_settings(tmp_path):
    assert refusal(BASE.but(save_dir=tmp_path), BASE) == ""


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("other_is", ["client", "trunk"])
def test_a_setting_that_the_bits_depend_on_is_refused_by_name(tmp_path, name, other_is):
    base = BASE.but(save_dir=tmp_path)
    other = base.but(**changed(name))
    trunk, client = (base, other) if other_is == "client" else (other, base)

    message = refusal(trunk, client)

    assert message.startswith(f"MISMATCH: {REFUSED_AS.get(name, name)} is "), message


@pytest.mark.parametrize("name", [name for name in MAY_DIFFER if name not in ("device", "mode")])
def test_a_setting_that_may_differ_is_not_compared(tmp_path, name):
    """Those that are left out are refused elsewhere: by the machine, by the first request, by a run that goes on."""
    client = BASE.but(**changed(name))
    said = agreement(client, FAMILY.load_client(client)[1])
    assert said == agreement(BASE, FAMILY.load_client(BASE)[1])
