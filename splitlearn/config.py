"""The one configuration of a run, shared by client, trunk and judge.

`TrainingConfig` is a frozen value that converts to and from JSON. `add_config_flags` makes every field a
command-line flag, `config_from_flags` reads them back.
"""

import argparse
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from splitlearn.cuts import Cuts
from splitlearn.errors import ConfigError

__all__ = ["HIGHEST_PORT", "TrainingConfig", "add_config_flags", "config_from_flags"]

MIB = 1 << 20
HIGHEST_PORT = 65535

CutsField = Annotated[
    Cuts,
    BeforeValidator(lambda value: Cuts.parse(value) if isinstance(value, str) else value),
    PlainSerializer(str, return_type=str),
]


class TrainingConfig(BaseModel):
    """Every setting of a split training run.

    Args:
        **values: one value a field; `TrainingConfig.load` and `config_from_flags` give better messages.

    Raises:
        ConfigError: from `load`, `parse` and `config_from_flags`; names field, value and what is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)

    mode: Literal["training", "inference"] = Field(
        "training", description="inference keeps no graphs and never updates"
    )
    device: str = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?)$", description="cpu, cuda or cuda:N")
    threads: int = Field(1, ge=1, description="threads of every process; the bits depend on it")
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32", description="bfloat16 means autocast; weights stay float32"
    )
    seed: int = Field(0, ge=0, lt=2**63, description="decides initial weights, data order and dropout")

    model: str = Field(
        "tiny",
        description="a preset, a Hugging Face folder or hub name, or a folder made by `splitlearn split`",
    )
    cuts: CutsField = Field(Cuts(1, 3), description="trunk = blocks lower:upper, half open, like 1:3")
    attention: Literal["eager", "sdpa"] = Field("sdpa", description="attention backend")
    dropout: float | None = Field(None, ge=0, lt=1, description="overrides the model's three dropout rates")

    learning_rate: float = Field(3e-4, gt=0, description="peak learning rate")
    weight_decay: float = Field(0.01, ge=0, description="applied to matrices and embeddings, not to biases and norms")
    optimizer_type: Literal["adam", "adamw", "sgd"] = Field("adamw", description="sgd has momentum 0.9")
    max_grad_norm: float = Field(1.0, ge=0, description="global gradient norm to clip to; 0 turns clipping off")
    loss_type: Literal["cross_entropy", "z_loss"] = Field(
        "cross_entropy", description="z_loss adds 1e-4 log²Z, which keeps logits small"
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="label smoothing of the cross entropy")
    use_scheduler: bool = Field(True, description="false keeps the learning rate constant")  # noqa: FBT003 - a default
    scheduler_type: Literal["constant", "linear", "cosine"] = Field("linear", description="shape after the warm-up")
    warmup_steps: int = Field(0, ge=0, description="steps of linear warm-up")

    data: str = Field("", description="text file; empty means Python's documentation topics")
    data_format: Literal["lines", "packed"] = Field("packed", description="one text a line, padded; or packed blocks")
    tokenizer: str = Field("", description="Hugging Face tokenizer folder or name; empty trains a BPE on the data")
    vocab_size: int = Field(2048, ge=257, description="size of a BPE trained on the data, and of a preset's embedding")
    max_length: int = Field(128, ge=2, description="longest sequence in tokens")
    batch_size: int = Field(8, ge=1, description="sequences a microbatch")
    gradient_accumulation_steps: int = Field(1, ge=1, le=128, description="microbatches a step, all under way at once")
    num_epochs: int = Field(1, ge=1, description="passes over the data")
    max_steps: int = Field(0, ge=0, description="stop after this many steps; 0 means at the end of the last epoch")

    max_skipped: int = Field(
        10,
        ge=0,
        description="steps skipped in a row, as not finite, beyond which the run has diverged; 0 never ends it",
    )

    log_interval: int = Field(10, ge=1, description="steps between two lines of the log")
    save_interval: int = Field(0, ge=0, description="steps between checkpoints; 0 counts no steps")
    save_minutes: float = Field(10.0, ge=0, description="minutes after which one is written all the same; 0 is never")
    save_dir: Path = Field(Path("checkpoints"), description="folder of this party's checkpoints and metrics")
    session: str = Field(
        "default", pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$", description="name of the run on the trunk"
    )

    codec: Literal["raw", "fp16", "zlib"] = Field(
        "raw", description="coding of activations and gradients; fp16 is lossy"
    )
    trunk_address: str = Field(
        "127.0.0.1:50051", pattern=r"^(local|.+:\d{1,5})$", description="HOST:PORT; local means in this process"
    )
    tls_ca: Path | None = Field(None, description="PEM file; the other side's certificate must be signed by it")
    tls_certificate: Path | None = Field(None, description="PEM file of this side's own certificate")
    tls_key: Path | None = Field(None, description="PEM file of that certificate's private key")
    token_file: Path | None = Field(None, description="file with the secret that client and trunk share")
    rpc_timeout: float = Field(60.0, gt=0, le=3600, description="seconds one call may take")
    retry_timeout: float = Field(300.0, gt=0, description="seconds of failed calls after which the client gives up")
    max_message_bytes: int = Field(256 * MIB, ge=MIB, le=1024 * MIB, description="largest tensor message")
    max_pending_bytes: int = Field(
        2048 * MIB, ge=MIB, description="trunk memory for graphs, inputs, kept replies and gradients that wait"
    )
    max_activation_bytes: int = Field(
        2048 * MIB, ge=MIB, description="trunk memory for computing one microbatch; a larger one is refused"
    )

    @model_validator(mode="after")
    def _cross_check(self) -> Self:
        if self.use_scheduler and self.max_steps and self.warmup_steps > self.max_steps:
            raise ValueError(f"warmup_steps = {self.warmup_steps}: at most max_steps ({self.max_steps})")
        port = self.trunk_address.rpartition(":")[2]
        if port.isdecimal() and not 0 < int(port) <= HIGHEST_PORT:
            raise ValueError(f"trunk_address = {self.trunk_address!r}: allowed are ports from 1 to {HIGHEST_PORT}")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together: give both or neither")
        return self

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        """Build a config from plain or textual values; raises `ConfigError` naming each bad field."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise ConfigError("\n".join(_explain(problem) for problem in error.errors())) from None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a config from a JSON file written by `save`."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ConfigError(f"cannot read the config {path}: {error.strerror}") from None
        except ValidationError as error:
            raise ConfigError(f"{path}: " + "\n".join(_explain(p) for p in error.errors())) from None

    def save(self, path: Path) -> None:
        """Write the config as JSON."""
        path.write_text(self.model_dump_json(indent=2) + "\n")

    def but(self, **changes: object) -> Self:
        """Return a validated copy with some fields changed."""
        return self.parse({**self.model_dump(), **changes})


def _explain(problem: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    where = ".".join(str(part) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no such setting; see --help for the list"
    return f"{where} = {problem['input']!r}: {message}" if where else message


def add_config_flags(parser: argparse.ArgumentParser, names: Collection[str] = ()) -> None:
    """Add `--config FILE` and a flag for each field of `TrainingConfig`, or for those of the given names."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="JSON file of settings; flags override it")
    group = parser.add_argument_group("settings", "fields of the configuration")
    assert TrainingConfig.model_fields.keys() >= set(names)
    for name, field in TrainingConfig.model_fields.items():
        if names and name not in names:
            continue
        choices = getattr(field.annotation, "__args__", ()) if "Literal" in str(field.annotation) else ()
        shown = "|".join(map(str, choices)) or name.rpartition("_")[2].upper()
        default = field.default if field.default not in ("", None) else "none"
        text = f"{field.description} (default: {default})".replace("%", "%%")
        group.add_argument("--" + name.replace("_", "-"), dest=f"config_{name}", metavar=shown, help=text)


def config_from_flags(flags: argparse.Namespace, known: Mapping[str, object] | None = None) -> TrainingConfig:
    """Build the config from parsed flags over the values of `--config`, over what is known; raises `ConfigError`."""
    # What the file does not say is not a wish for the default.
    file = TrainingConfig.load(flags.config).model_dump(exclude_unset=True) if flags.config else {}
    base = {**(known or {}), **file}
    given = {name: getattr(flags, f"config_{name}", None) for name in TrainingConfig.model_fields}
    return TrainingConfig.parse({**base, **{name: value for name, value in given.items() if value is not None}})
