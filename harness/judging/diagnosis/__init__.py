"""Names a likely cause of a failed run from the pattern of what differs."""

from harness.judging.diagnosis.cause import Cause, Diagnosis
from harness.judging.diagnosis.diagnose import diagnose

__all__ = ["Cause", "Diagnosis", "diagnose"]
