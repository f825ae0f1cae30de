"""Wrong inputs: a step gets the wrong sequences, labels or masks."""

from dataclasses import replace

import torch

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import DIRECT, EPOCHS
from splitlearn.client import step
from splitlearn.client.step import TrainingStep
from splitlearn.config import TrainingConfig
from splitlearn.data import Microbatch, StepBatch, TrainingData
from splitlearn.data.batch import IGNORED_LABEL
from splitlearn.layouts.gpt2 import Gpt2Layout
from splitlearn.wire.trunk_link import Position

__all__: list[str] = []


@mutant("DeepSpeed issue 5729: a pipeline's last stage has the labels of another batch", "client", DIRECT, Cause.LABELS)
def use_the_labels_of_another_row() -> None:
    """Each sequence is trained on the labels of its neighbor."""

    @instead(TrainingStep, "_run_top")
    def run_top(right: Right, self: TrainingStep, at: Position, batch: Microbatch, *others: object) -> torch.Tensor:
        wrong = replace(batch, labels_BT=batch.labels_BT.roll(1, dims=0))
        result: torch.Tensor = right(self, at, wrong, *others)
        return result


@mutant("classic: padding without the label that the loss ignores", "client", DIRECT, Cause.LABELS)
def train_on_the_labels_of_padding() -> None:
    """The padding's tokens are targets of the loss, though they are not counted."""

    @instead(TrainingStep, "_run_top")
    def run_top(right: Right, self: TrainingStep, at: Position, batch: Microbatch, *others: object) -> torch.Tensor:
        result: torch.Tensor = right(self, at, replace(batch, labels_BT=batch.input_ids_BT), *others)
        return result


@mutant("classic: targets shifted by the data and again by the loss", "client", DIRECT, Cause.LABELS)
def shift_the_labels_twice() -> None:
    """A token is predicted from the one before its predecessor."""

    @instead(step, "token_loss_sum")
    def loss(right: Right, logits_BTV: torch.Tensor, labels_BT: torch.Tensor, config: TrainingConfig) -> torch.Tensor:
        shifted_BT = torch.nn.functional.pad(labels_BT[:, 1:], (0, 1), value=IGNORED_LABEL)
        result: torch.Tensor = right(logits_BTV, shifted_BT, config)
        return result


@mutant("classic: the mask is a token too short", "client", DIRECT, Cause.ATTENTION)
def mask_the_last_token_of_every_row() -> None:
    """The attention mask leaves out each sequence's last token."""

    @instead(TrainingStep, "_send_forward")
    def send(right: Right, self: TrainingStep, at: Position, batch: Microbatch) -> object:
        mask_BT = batch.attention_mask_BT
        shorter_BT = torch.nn.functional.pad(mask_BT[:, 1:], (0, 1), value=0)
        shorter_BT[:, 0] = 1
        return right(self, at, replace(batch, attention_mask_BT=shorter_BT))


@mutant("classic: an index that counts from one", "client", DIRECT, Cause.INPUT)
def read_the_data_one_step_ahead() -> None:
    """Every step reads the sequences of the next one."""

    @instead(TrainingData, "step")
    def read(right: Right, self: TrainingData, index: int) -> StepBatch:
        batch: StepBatch = right(self, (index + 1) % self.total_steps)
        return batch


@mutant("classic: an iterator that is made anew in every step", "client", DIRECT, Cause.INPUT, since=1)
def read_the_first_batch_in_every_step() -> None:
    """Every step reads the sequences of the first."""

    @instead(TrainingData, "step")
    def read(right: Right, self: TrainingData, _index: int) -> StepBatch:
        batch: StepBatch = right(self, 0)
        return batch


@mutant("classic: drop_last", "client", EPOCHS, Cause.INPUT, since=3)
def drop_the_small_microbatch_at_an_epochs_end() -> None:
    """The last microbatch of an epoch is left out because it is not full."""

    @instead(TrainingData, "step")
    def read(right: Right, self: TrainingData, index: int) -> StepBatch:
        batch: StepBatch = right(self, index)
        return tuple(each for each in batch if len(each.input_ids_BT) == self.config.batch_size)


@mutant("classic: positions that begin after the padding index", "client", DIRECT, Cause.INPUT)
def count_positions_from_one() -> None:
    """The first token has the embedding of the second position."""

    @instead(Gpt2Layout, "embed")
    def embed(right: Right, self: Gpt2Layout, part: torch.nn.Module, input_ids_BT: torch.Tensor) -> torch.Tensor:
        weight = part.get_parameter("transformer.wpe.weight")
        kept, shifted = weight.data, weight.data.roll(-1, dims=0)
        weight.data = shifted
        try:
            hidden_BTH: torch.Tensor = right(self, part, input_ids_BT)
        finally:
            weight.data = kept
        return hidden_BTH
