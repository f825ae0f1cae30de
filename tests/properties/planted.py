"""Bugs to be planted: each function patches one into the system, for as long as the patch lasts."""

import torch
import torch.nn.functional as F

import splitlearn.client.step
import splitlearn.trunk.session
from splitlearn.loss import token_loss_sum
from splitlearn.models.stages import CutTrunkStage
from splitlearn.trunk.accumulator import Accumulator


def numbered_anew(patch):
    """The trunk numbers its blocks from 0, as a model of the trunk alone would."""
    build = CutTrunkStage.__init__

    def renumber(self, layout, model, cuts):
        build(self, layout, model, cuts)
        for index, block in enumerate(self.get_submodule(layout.blocks).children()):
            block.attn.scaling *= (cuts.lower + index + 1) / (index + 1)

    patch.setattr(CutTrunkStage, "__init__", renumber)


def with_padding_counted(patch):
    """The z-loss counts positions that have no target."""

    def of_every_position(logits_BTV, labels_BT, config):
        loss = token_loss_sum(logits_BTV, labels_BT, config)
        if config.loss_type == "z_loss":
            no_target_BT = F.pad(labels_BT, (0, 1), value=-100)[:, 1:] == -100
            log_z_BT = torch.logsumexp(logits_BTV.float(), dim=-1)
            loss = loss + 1e-4 * (log_z_BT.square() * no_target_BT).sum()
        return loss

    patch.setattr(splitlearn.client.step, "token_loss_sum", of_every_position)


def joined_as_they_come(patch):
    """Gradients do not wait for those of earlier microbatches."""

    def add(self, at, gradients):
        if at.microbatch in self._seen:
            return
        self._seen.add(at.microbatch)
        self._join(gradients)
        self._next += 1
        if self._next == at.microbatches:
            self._completed_by = at.microbatch

    patch.setattr(Accumulator, "add", add)


def resumed_without_moments(patch):
    """The trunk's optimizer begins anew."""
    patch.setattr(splitlearn.trunk.session, "load_optimizer_state", lambda *_: None)


def another_wd_for_another_session(patch):
    """A run of another name trains otherwise."""
    build = splitlearn.client.step.build_optimizer

    def with_more(parameters, config):
        return build(parameters, config if config.session == "default" else config.but(weight_decay=0.5))

    patch.setattr(splitlearn.client.step, "build_optimizer", with_more)
