"""Types of values that many records hold."""

from collections.abc import Mapping
from typing import Literal

__all__ = ["CheckWord", "Figures", "Value", "VerdictWord"]

VerdictWord = Literal["PASS", "FAIL", "VOID"]
CheckWord = VerdictWord | Literal["N/A"]
Value = int | float | str
Figures = Mapping[str, Value]
