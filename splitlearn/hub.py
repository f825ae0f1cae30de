"""Checks whether the Hugging Face hub can be reached, once and quickly."""

import logging
import os
from functools import cache
from pathlib import Path

import requests

__all__ = ["hub_answers_for"]

SECONDS = 3.0

log = logging.getLogger(__name__)


def hub_answers_for(name: str) -> bool:
    """Return whether the hub may be asked for a model or tokenizer; if not, the library uses local files only.

    Args:
        name: a hub name, or a folder, for which the hub is not needed.
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
