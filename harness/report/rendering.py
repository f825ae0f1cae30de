"""What all pages share: templates, the style sheet, and drawings at every width."""

from collections.abc import Callable
from functools import cache
from math import inf
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.report import wording
from harness.report.figures.sheet import Sheet, new_sheet

__all__ = ["drawings", "style", "templates"]

TEMPLATES = Path(__file__).parent / "templates"
FILTERS = ("count", "duration", "measure", "place", "plural", "size", "value")
# Every figure is drawn for a laptop and for a phone; the style sheet shows the one that fits.
WIDTHS = {"wide": 760, "narrow": 372}


@cache
def templates() -> Environment:
    """Return the Jinja environment with all templates and the formats for numbers, times and places."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["inf"] = inf
    environment.filters |= {name: getattr(wording, name) for name in FILTERS}
    return environment


def style() -> Markup:
    """Return the style sheet, which is embedded in the page."""
    return Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file


def drawings(name: str, draw: Callable[[Sheet], str]) -> dict[str, Markup]:
    """Draw a figure at every width; empty if it has nothing to show."""
    drawn: dict[str, Markup] = {}
    for size, width in WIDTHS.items():
        with new_sheet(f"{name}-{size}", width) as sheet:
            svg = draw(sheet)
        if svg:
            drawn[size] = Markup(svg)  # noqa: S704 - matplotlib escapes the text that it draws
    return drawn
