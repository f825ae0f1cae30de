"""Files that a scenario needs besides its settings: made where it runs, the same for the same settings."""

import hashlib
import threading
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from harness.engine import described_materials  # noqa: F401 - registers its own
from harness.engine.material import MATERIALS, material_named, register_material, write_lines_once
from harness.engine.words import WORDS
from harness.oracle.batches import Batches
from harness.plan.scenario import Scenario
from splitlearn.config import TrainingConfig

__all__ = ["MATERIALS", "SKIPPED_STEP", "with_materials"]

# Held while a material is made: the runs of other threads may want the same one.
MAKING = threading.Lock()

# The step of `step to skip` with one sequence that cannot be computed.
SKIPPED_STEP = 2
MARK = "\N{CURRENCY SIGN}"
# A size at which the first layer norm after the embedding overflows.
TOO_LARGE = 3e38


def with_materials(scenario: Scenario, folder: Path) -> Scenario:
    """Return the scenario with settings that name its materials, which are made unless they exist."""
    for name in scenario.materials:
        key = hashlib.sha256(f"{name} {scenario.config.model_dump_json()}".encode()).hexdigest()[:16]
        (folder / key).mkdir(parents=True, exist_ok=True)
        with MAKING:
            scenario = material_named(name)(scenario, folder / key)
    return scenario


@register_material("untied")
def untied(scenario: Scenario, folder: Path) -> Scenario:
    """Make the preset's model with an untied head."""
    _untied_model(scenario.config, folder, ())
    return scenario.but(model=str(folder))


@register_material("scaled")
def scaled(scenario: Scenario, folder: Path) -> Scenario:
    """Make the preset's model with attention that is scaled by the block's number."""
    from harness.oracle.uncut import load_model  # noqa: PLC0415 - the libraries take seconds, and few runs need them

    if not (folder / "config.json").exists():
        model = load_model(scenario.config)
        model.config.scale_attn_by_inverse_layer_idx = True
        model.save_pretrained(folder)
    return scenario.but(model=str(folder))


@register_material("short text")
def short_text(scenario: Scenario, folder: Path) -> Scenario:
    """Make a text that is read more than once in a run; its 29 lines end in the middle of a step."""
    text = write_lines_once(folder / "text.txt", _lines(29))
    return scenario.but(data=str(text), data_format="lines", num_epochs=scenario.config.max_steps)


@register_material("a step to skip")
def step_to_skip(scenario: Scenario, folder: Path) -> Scenario:
    """Make a model and a text with which the last microbatch of one step, and nothing else, is not finite."""
    from splitlearn.data import load_training_data  # noqa: PLC0415 - as above

    config = scenario.config
    count = config.max_steps * config.batch_size * config.gradient_accumulation_steps
    lines = _lines(count)
    marked = Batches(config, [torch.zeros(2)] * count).rows(SKIPPED_STEP)[-1]
    lines[marked] += f" {MARK}"
    text = write_lines_once(folder / "text.txt", lines)
    scenario = scenario.but(data=str(text), data_format="lines")
    sequences = [sequence.tolist() for sequence in load_training_data(scenario.config).sequences]
    others = {token for row, sequence in enumerate(sequences) if row != marked for token in sequence}
    _untied_model(config, folder / "model", {*sequences[marked]} - others)
    return scenario.but(model=str(folder / "model"))


@register_material("token")
def token(scenario: Scenario, folder: Path) -> Scenario:
    """Make a token that both sides share."""
    return scenario.but(token_file=_secrets(folder) / "token")


@register_material("TLS")
def tls(scenario: Scenario, folder: Path) -> Scenario:
    """Make a certificate for the trunk, which the client verifies, and a token."""
    own = {"tls_certificate": folder / "trunk.pem", "tls_key": folder / "trunk.key"}
    settings = {"trunk": own, "client": {"tls_ca": _secrets(folder) / "ca.pem"}}
    return replace(token(scenario, folder), party_settings=settings)


@register_material("mutual TLS")
def mutual_tls(scenario: Scenario, folder: Path) -> Scenario:
    """Make certificates for both sides, each of which verifies the other's."""
    settings = {
        party: {"tls_certificate": folder / f"{party}.pem", "tls_key": folder / f"{party}.key"}
        for party in ("trunk", "client")
    }
    return replace(scenario.but(tls_ca=_secrets(folder) / "ca.pem"), party_settings=settings)


def _secrets(folder: Path) -> Path:
    """Write what `splitlearn certificates` writes, for the address at which the proxy listens."""
    from splitlearn.commands.certificates import made, write_once  # noqa: PLC0415 - as above

    if not (folder / "token").exists():
        for name, content in made(["127.0.0.1"]).items():
            write_once(folder / name, content)
    return folder


def _lines(count: int) -> list[str]:
    """Return lines of two to fourteen words, so that every microbatch is padded."""
    return [" ".join(WORDS[(row * 5 + place) % len(WORDS)] for place in range(2 + row % 13)) for row in range(count)]


def _untied_model(config: TrainingConfig, folder: Path, too_large: Collection[int]) -> None:
    from harness.oracle.uncut import load_model  # noqa: PLC0415 - as above

    if (folder / "config.json").exists():
        return
    model = load_model(config)
    model.config.tie_word_embeddings = False
    generator = torch.Generator().manual_seed(config.seed)
    parts: Any = model  # whose modules the library types loosely
    embedding, head = parts.get_input_embeddings(), parts.get_output_embeddings()
    head.weight = torch.nn.Parameter(torch.empty(embedding.weight.shape).normal_(0, 0.02, generator=generator))
    with torch.no_grad():
        embedding.weight[sorted(too_large)] = TOO_LARGE
    model.save_pretrained(folder)
