"""What keeps the trunk's state machine from doing anything twice, or at the wrong time."""

from pkgutil import resolve_name

from harness.sim.ablations.ablation import Ablation, Part, Swap, nothing

__all__ = ["TRUNK"]

SESSION = "splitlearn.trunk.session:TrunkSession"


def _differentiates_again(backward: Part) -> Part:
    def replaced(self: Part, at: Part, features_grad_BTH: Part) -> Part:
        entry = self._tape.entries.get(at.microbatch)
        if entry is not None:
            entry.features_grad_BTH = entry.smashed_grad_BTH = None
        return backward(self, at, features_grad_BTH)

    return replaced


def _joins_again(add: Part) -> Part:
    def replaced(self: Part, at: Part, gradients: Part) -> None:
        if at.microbatch in self._seen:
            self._join(gradients)
        add(self, at, gradients)

    return replaced


def _applies_again(commit: Part) -> Part:
    apply_update = resolve_name("splitlearn.trunk.session:apply_update")

    def replaced(self: Part, asked: Part) -> None:
        if asked.step != self.applied_step - 1:
            self.__dict__["_gradients_before"] = {name: each.clone() for name, each in self.gradients().items()}
            commit(self, asked)
        elif not asked.skip:
            for name, gradient in self.__dict__.get("_gradients_before", {}).items():
                self._parameters[name].grad = gradient.clone()
            apply_update(self._optimizer, asked.learning_rate, asked.clip_coefficient)

    return replaced


def _forgets_content(commit: Part) -> Part:
    def replaced(self: Part, asked: Part) -> None:
        self._last_commit = None
        commit(self, asked)

    return replaced


def _gives_up(_result: Part) -> Part:
    return lambda self: self._call.result()


TRUNK = (
    Ablation(
        "backward-once",
        "a repeated backward pass joins no gradient again",
        (
            Swap(f"{SESSION}.backward", _differentiates_again),
            Swap("splitlearn.trunk.accumulator:Accumulator.add", _joins_again),
        ),
    ),
    Ablation(
        "gradients-remembered",
        "a microbatch that was dropped for want of memory joins no gradient again when it is computed again",
        (Swap("splitlearn.trunk.accumulator:Accumulator.add", _joins_again),),
    ),
    Ablation(
        "commit-once",
        "a repeated commit is not applied again",
        (Swap(f"{SESSION}.commit", _applies_again),),
    ),
    Ablation(
        "commit-content",
        "a repeated commit with another content is refused",
        (Swap(f"{SESSION}.commit", _forgets_content),),
        unseen="Not exercised: a client that has the session to itself computes the same commit again. Tests of the "
        "trunk send it another.",
    ),
    Ablation(
        "key-content",
        "a repeated forward or backward pass with another content is refused",
        (Swap("splitlearn.trunk.session:_same", lambda _same: lambda _a, _b: True),),
        unseen="Not exercised: a client that has the session to itself computes the same bits again. It guards against "
        "a client that does not; tests of the trunk play one.",
    ),
    Ablation(
        "release",
        "microbatches of the step that are finished are forgotten, so that 1F1B keeps no more than its window",
        (Swap(f"{SESSION}.release", nothing),),
    ),
    Ablation(
        "step-in-progress",
        "a request for another step than the one in progress is refused",
        (Swap(f"{SESSION}._check_position", nothing),),
    ),
    Ablation(
        "forward-asked-for-again",
        "a microbatch whose input was dropped for want of memory is sent again before its backward pass",
        (Swap("splitlearn.wire.backward_call:BackwardCall.result", _gives_up),),
    ),
)
