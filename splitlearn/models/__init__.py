"""Models and how they are cut."""

from splitlearn.models.family import ModelFamily
from splitlearn.models.gpt2 import Gpt2Family

__all__ = ["FAMILY", "ModelFamily"]

FAMILY: ModelFamily = Gpt2Family()
