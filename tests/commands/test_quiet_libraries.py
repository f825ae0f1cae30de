"""The libraries' own progress bars and advice stay out of a program's log."""

import os
import subprocess
import sys

SECONDS = 120
# Set for these tests, and not by a user.
ASKED_FOR = ("TRANSFORMERS_VERBOSITY", "HF_HUB_DISABLE_PROGRESS_BARS")


def test_loading_a_model_writes_nothing_to_standard_error(small_model):
    command = [sys.executable, "-m", "splitlearn", "split", f"--model={small_model()}", "--out=parts"]
    of_a_user = {name: value for name, value in os.environ.items() if name not in ASKED_FOR}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=of_a_user, check=False)

    assert (0, "") == (ended.returncode, ended.stderr)
