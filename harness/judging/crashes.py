"""Finds crashes in a program's log."""

import re
from pathlib import Path

__all__ = ["crashes_in"]

# How Python, its fault handler and the C++ libraries begin their crash messages.
CRASH = re.compile(
    r"Traceback \(most recent call last\)|Fatal Python error|Exception ignored in|Exception in thread"
    r"|terminate called|Check failed|Segmentation fault|ASSERTION FAILED"
)
MOST = 5


def crashes_in(logs: Path) -> dict[str, list[str]]:
    """Return the crash messages in a folder's logs, by name of the log; at most a few per log."""
    return {log.name: _crashes(log) for log in sorted(logs.glob("*.log"))}


def _crashes(log: Path) -> list[str]:
    lines = log.read_text(errors="replace").splitlines()
    places = [number for number, line in enumerate(lines) if CRASH.search(line)]
    return [f"line {number + 1}: {_told(lines, number)}" for number in places[:MOST]]


def _told(lines: list[str], number: int) -> str:
    """Return the line itself, or the last line of a traceback, which names the error."""
    if "Traceback" not in lines[number]:
        return lines[number].strip()
    after = (line for line in lines[number + 1 :] if line and not line[0].isspace())
    return next(after, lines[number]).strip()
