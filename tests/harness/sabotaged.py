"""The training system with one rule broken: `MUTANT` and then the arguments of `splitlearn`."""

import os
import threading

import torch

import splitlearn.cli
import splitlearn.client.step as client
import splitlearn.trunk.session as trunk
from splitlearn import determinism
from splitlearn.client.step import TrainingStep
from splitlearn.optimizer import apply_update
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire import remote


def main(argv):
    """Break a rule and run a command of `splitlearn`."""
    mutant, *rest = argv
    MUTANTS[mutant]()
    return splitlearn.cli.main(rest)


def break_nothing():
    pass


def step_the_tied_weight_twice():
    def update(optimizer, learning_rate, clip_coefficient):
        embedding = optimizer.param_groups[0]["params"][0]
        gradient = embedding.grad.clone()
        apply_update(optimizer, learning_rate, clip_coefficient)
        embedding.data.add_(gradient, alpha=-learning_rate)

    client.apply_update = update


def clip_each_part_by_itself():
    def update(optimizer, learning_rate, _clip_coefficient):
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"]]
        norm = torch.nn.utils.get_total_norm(gradients)
        apply_update(optimizer, learning_rate, float(torch.clamp(0.5 / (norm + 1e-6), max=1.0)))

    trunk.apply_update = update


def seed_dropout_without_the_microbatch():
    right = determinism.stage_seed
    determinism.stage_seed = lambda seed, step, _microbatch, stage: right(seed, step, 0, stage)


def accumulate_a_repeated_backward_twice():
    right = TrunkSession.backward

    def backward(self, at, features_grad_BTH):
        entry = self._tape.entries.get(at.microbatch)
        if entry is not None and entry.smashed_grad_BTH is not None:
            before = {name: gradient.clone() for name, gradient in self.gradients().items()}
            entry.smashed_grad_BTH = None
            right(self, at, features_grad_BTH)
            for name, parameter in self._parameters.items():
                parameter.grad.add_(before[name])
        return right(self, at, features_grad_BTH)

    TrunkSession.backward = backward


def average_the_loss_over_each_microbatch():
    right = TrainingStep._run_top

    def run_top(self, at, microbatch, features_BTH, _tokens, losses):
        return right(self, at, microbatch, features_BTH, microbatch.target_tokens * at.microbatches, losses)

    TrainingStep._run_top = run_top


def leave_the_trunk_at_the_peak_learning_rate():
    trunk.apply_update = lambda optimizer, _rate, clip: apply_update(optimizer, optimizer.defaults["lr"], clip)


def drop_the_attention_mask_at_the_trunk():
    right = TrunkSession.forward

    def forward(self, at, smashed_BTH, attention_mask_BT, commit):
        return right(self, at, smashed_BTH, torch.ones_like(attention_mask_BT), commit)

    TrunkSession.forward = forward


def round_on_the_wire():
    right = remote.RemoteTrunk.forward

    def forward(self, at, smashed_BTH, attention_mask_BT, commit):
        return right(self, at, smashed_BTH.half().float(), attention_mask_BT, commit)

    remote.RemoteTrunk.forward = forward


def hang_at_the_second_step():
    right = TrainingStep._commit

    def commit(self, step, norm):
        if step == 1:
            threading.Event().wait()
        return right(self, step, norm)

    TrainingStep._commit = commit


def let_the_trunk_die_at_the_second_step():
    right = TrunkSession.forward

    def forward(self, at, *others):
        if at.step == 1:
            print("the trunk's last words", flush=True)
            os._exit(9)
        return right(self, at, *others)

    TrunkSession.forward = forward


def commit_only_every_other_step_at_the_trunk():
    """Tell the observer nothing of a step that was applied."""
    right = TrunkSession.commit

    def commit(self, value):
        probe = self._probe
        try:
            if value.step == 1:
                self._probe = splitlearn.probe.NullProbe()
            return right(self, value)
        finally:
            self._probe = probe

    TrunkSession.commit = commit


MUTANTS = {
    rule.__name__.replace("_", "-"): rule
    for rule in (
        break_nothing,
        step_the_tied_weight_twice,
        clip_each_part_by_itself,
        seed_dropout_without_the_microbatch,
        accumulate_a_repeated_backward_twice,
        average_the_loss_over_each_microbatch,
        leave_the_trunk_at_the_peak_learning_rate,
        drop_the_attention_mask_at_the_trunk,
        round_on_the_wire,
        hang_at_the_second_step,
        let_the_trunk_die_at_the_second_step,
        commit_only_every_other_step_at_the_trunk,
    )
}
