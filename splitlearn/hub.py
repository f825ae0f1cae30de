"""Whether the Hugging Face hub can be reached, asked once and not for half a minute."""

import logging
import os
from functools import cache
from pathlib import Path

import requests

__all__ = ["hub_answers_for"]

SECONDS = 3.0

log = logging.getLogger(__name__)


def hub_answers_for(name: str) -> bool:
    """Return whether the hub may be asked for a model or tokenizer; where not, the library looks at this machine only.

    Args:
        name: of a model, or a folder, for which nobody is asked.
    """
    return not Path(name).exists() and _hub_answers()


@cache
def _hub_answers() -> bool:
    if os.environ.get("HF_HUB_OFFLINE", "0").upper() in {"1", "ON", "YES", "TRUE"}:
        return False
    place = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    try:
        requests.head(place, timeout=SECONDS)
    except requests.RequestException as error:
        log.warning("%s cannot be reached (%s): only what is on this machine is used", place, type(error).__name__)
        return False
    return True
