"""The figures of the report by their place in the page; a file that draws one registers it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.recording.reader import RunFolder
from harness.report.figures.sheet import Sheet

__all__ = ["FIGURES", "Figure", "register_figure"]

Draw: TypeAlias = Callable[[RunFolder, Sheet], str]
Section: TypeAlias = Literal["loss", "equivalence", "time", "events", "traffic"]


@dataclass(frozen=True)
class Figure:
    """One figure: its section, its title, and the function that draws it.

    `draw` returns inline SVG, or an empty string if the run recorded nothing for it; the figure is then omitted.
    """

    name: str
    title: str
    section: Section
    draw: Draw


FIGURES: dict[str, Figure] = {}


def register_figure(name: str, title: str, section: Section) -> Callable[[Draw], Draw]:
    """Return the decorator that registers the function which draws a figure; one of the same name is replaced."""

    def register(draw: Draw) -> Draw:
        FIGURES[name] = Figure(name, title, section, draw)
        return draw

    return register
