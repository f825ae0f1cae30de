"""A program's standard error: its log and complaints, for people or as one JSON object per line."""

import logging
import sys
import threading
from contextlib import suppress

from pythonjsonlogger.json import JsonFormatter

__all__ = ["complain", "is_json", "line", "write_logs"]

log = logging.getLogger(__name__)

LOG_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
NAMES = {"asctime": "time", "levelname": "level", "name": "logger"}


def write_logs(*, as_json: bool) -> None:
    """Send the log to standard error; with JSON, everything else written there becomes JSON too."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(LOG_LINE, rename_fields=NAMES) if as_json else logging.Formatter(LOG_LINE))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(as_json)
    if as_json:
        threading.excepthook = _log_thread
        sys.unraisablehook = _log_unraisable


def is_json() -> bool:
    """Return whether every line on standard error must be a JSON object."""
    return _json_form() is not None


def line(words: str, level: int = logging.ERROR) -> str:
    """Return text in the form for standard error; takes no lock, so that a signal handler may call it."""
    form = _json_form()
    if form is None:
        return f"{words}\n"
    about = {"name": "splitlearn", "levelno": level, "levelname": logging.getLevelName(level), "msg": words.strip()}
    return f"{form.format(logging.makeLogRecord(about))}\n"


def complain(words: str, level: int = logging.ERROR) -> None:
    """Write to standard error, which may be a file on a full disk or a pipe without a reader."""
    with suppress(OSError):  # the text cannot be written: that must not end the program
        sys.stderr.write(line(words, level))
        sys.stderr.flush()


def _log_thread(failed: threading.ExceptHookArgs) -> None:
    """Log an exception that ended a thread, except `sys.exit`, as Python's own hook does."""
    if failed.exc_type is not SystemExit:
        name = failed.thread.name if failed.thread else "a thread"
        log.critical("thread %s ended by a defect", name, exc_info=failed.exc_value)


def _log_unraisable(failed: "sys.UnraisableHookArgs") -> None:
    """Log an exception where nobody can catch it, such as in a destructor."""
    where = failed.err_msg or "exception ignored in"
    log.critical("%s %s", where, _named(failed.object), exc_info=failed.exc_value)


def _named(thing: object) -> str:
    """Return an object's name for itself; a half-constructed object has none."""
    try:
        return repr(thing)
    except Exception:  # noqa: BLE001 - whatever it is, what has failed before it matters more
        return f"some {type(thing).__name__}"


def _json_form() -> JsonFormatter | None:
    forms = (handler.formatter for handler in logging.root.handlers)
    return next((form for form in forms if isinstance(form, JsonFormatter)), None)
