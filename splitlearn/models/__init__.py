"""Models and how they are cut."""

from splitlearn.models.cutting import CutFamily
from splitlearn.models.family import ModelFamily

__all__ = ["FAMILY", "ModelFamily"]

FAMILY: ModelFamily = CutFamily()
