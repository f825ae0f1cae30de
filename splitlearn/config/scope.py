"""Scopes of settings: each setting declares one beside its type, and every list is derived from that."""

from enum import Enum
from typing import Annotated, TypeVar

from pydantic.fields import FieldInfo

__all__ = ["Both", "Client", "Data", "Each", "Kept", "Machine", "Machines", "Model", "Scope", "scope_of"]

T = TypeVar("T")


class Scope(Enum):
    """Which parties must share a setting, and for how long."""

    BOTH = "both sides compute with it: compared when they meet, and by both over a resume"
    MODEL = "becomes part of the model, whose sizes and weights are compared when both sides meet and over a resume"
    MACHINES = "how each side computes: compared when they meet, and by each with its own past over a resume"
    MACHINE = "how one side computes: compared by each with its own past over a resume"
    KEPT = "the client alone reads it: compared over a resume"
    DATA = "what the client trains on and for how long: compared over a resume by what comes of it"
    EACH = "each side has its own, and no bit of the training depends on it"
    CLIENT = "the client alone reads it, and no bit of the training depends on it"


Both = Annotated[T, Scope.BOTH]
Model = Annotated[T, Scope.MODEL]
Machines = Annotated[T, Scope.MACHINES]
Machine = Annotated[T, Scope.MACHINE]
Kept = Annotated[T, Scope.KEPT]
Data = Annotated[T, Scope.DATA]
Each = Annotated[T, Scope.EACH]
Client = Annotated[T, Scope.CLIENT]


def scope_of(field: FieldInfo) -> Scope:
    """Return a field's scope; a field without one, or with two, is a bug."""
    scopes = [note for note in field.metadata if isinstance(note, Scope)]
    assert len(scopes) == 1, "a setting has one scope, written around its type, like Client[int]"
    return scopes[0]
