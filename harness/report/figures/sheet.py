"""The sheet that figures are drawn on: matplotlib axes on one side, inline SVG on the other.

Figures draw in the ink colours below. In the SVG each becomes a CSS variable, so that one drawing serves light and dark
pages. Text stays text in the page's own font. The same drawing always gives the same bytes.
"""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import log10
from typing import TYPE_CHECKING, Any

from markupsafe import escape

from splitlearn.profile import PHASES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "FAULT",
    "HARM",
    "INK",
    "MUTED",
    "PAPER",
    "PHASE",
    "REFERENCE",
    "RULE",
    "SPLIT",
    "Sheet",
    "levels",
    "new_sheet",
    "power_of_ten",
    "uprights",
]

INK, MUTED, RULE, PAPER, SPLIT, REFERENCE, FAULT, HARM = (f"#0101{number:02x}" for number in range(1, 9))
PHASE = {key: f"#0102{number:02x}" for number, key in enumerate(PHASES, 1)}
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    PAPER: "--paper",
    SPLIT: "--split",
    REFERENCE: "--reference",
    FAULT: "--fault",
    HARM: "--fail",
    **{colour: f"--phase-{key.replace('_', '-')}" for key, colour in PHASE.items()},
}

Point = tuple[float, float]

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so text has the same width on every machine
    "font.size": 12,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": RULE,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titlecolor": MUTED,
    "axes.unicode_minus": True,
    "figure.dpi": 72,  # one point is one pixel
    "figure.facecolor": "none",
    "grid.color": RULE,
    "grid.linewidth": 1,
    "legend.frameon": False,
    "legend.fontsize": 12,
    "path.simplify": False,
    "xtick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.color": RULE,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "ytick.major.size": 0,
}


class Sheet:
    """A drawing `width` pixels wide; created by `new_sheet`."""

    def __init__(self, name: str, width: int, figure: "Figure") -> None:
        self.name = name
        self.width = width
        self.narrow = width < 500
        self._figure = figure

    def axes(self, *heights: int, left: int = 52) -> Sequence["Axes"]:
        """Stack axes of the given heights in pixels over one shared x axis."""
        gap, top, bottom, right = 34, 24, 40, 10
        total = top + sum(heights) + gap * (len(heights) - 1) + bottom
        self._figure.set_size_inches(self.width / 72, total / 72)
        axes: list[Axes] = []
        upper = total - top
        for height in heights:
            box = (left / self.width, (upper - height) / total, 1 - (left + right) / self.width, height / total)
            axes.append(self._figure.add_axes(box, sharex=axes[0] if axes else None))
            upper -= height + gap
        for inner in axes[:-1]:
            inner.tick_params(labelbottom=False)
        return axes

    def svg(self, label: str) -> str:
        """Return the drawing as inline SVG; `label` describes it for screen readers."""
        buffer = io.StringIO()
        self._figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
        return _inline(buffer.getvalue(), self.name, label)


@contextmanager
def new_sheet(name: str, width: int) -> Iterator[Sheet]:
    """Open a sheet; draw and call `Sheet.svg` inside the block. `name` must be unique on the page."""
    import matplotlib as mpl  # noqa: PLC0415 - half a second, which `harness --help` must not pay
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    with mpl.rc_context():
        mpl.rcdefaults()  # a user's own matplotlibrc must not change a report
        mpl.rcParams.update({**STYLE, "svg.hashsalt": name})
        yield Sheet(name, width, Figure())


def uprights(
    axes: "Axes", positions: Iterable[float], lows: Iterable[float], highs: Iterable[float], *, color: str, width: float
) -> None:
    """Draw vertical bars `width` pixels wide as a single path, which keeps the SVG small and fast."""
    ends = [((x, low), (x, high)) for x, low, high in zip(positions, lows, highs, strict=True)]
    _bars(axes, ends, color, width)


def levels(
    axes: "Axes", heights: Iterable[float], starts: Iterable[float], ends: Iterable[float], *, color: str, width: float
) -> None:
    """Draw horizontal bars `width` pixels thick as a single path, like `uprights`."""
    _bars(axes, [((a, y), (b, y)) for y, a, b in zip(heights, starts, ends, strict=True)], color, width)


def _bars(axes: "Axes", bars: Iterable[tuple[Point, Point]], color: str, width: float) -> None:
    gap = (float("nan"), float("nan"))
    points = [point for start, end in bars for point in (start, end, gap)]
    if points:
        axes.plot(*zip(*points, strict=True), color=color, linewidth=width, solid_capstyle="butt")


def power_of_ten(number: float, _position: float) -> str:
    """Return a label for a tick of a logarithmic axis: 10⁻⁸. Matplotlib's own labels need its formula renderer."""
    digits = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return "10" + f"{log10(number):.0f}".translate(digits)


def _inline(document: str, name: str, label: str) -> str:
    """Turn matplotlib's SVG document into an element that can be embedded in a page with others."""
    svg = document[document.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    # Ids would clash between figures: keep those that are referenced, and make them unique.
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", svg))
    svg = re.sub(r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", svg)
    svg = re.sub(r'(url\(|href=")#', rf"\g<1>#{name}-", svg)
    svg = re.sub(r"font: ((?:\d+ )?)([\d.]+)px [^;\"]*", _font, svg)
    svg = re.sub(r"#010[12][0-9a-f]{2}", lambda found: f"var({VARIABLES[found[0]]})", svg)
    # A hundredth of a pixel is invisible, and longer numbers would make up half of a page.
    svg = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}", svg)
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    opening = re.search(r'viewBox="[^"]+"', svg)
    assert opening, "matplotlib writes a viewBox"
    body = svg[svg.index(">") + 1 :].strip()
    return f'<svg role="img" aria-label="{escape(label)}" {opening[0]}>\n{body}'


def _font(found: re.Match[str]) -> str:
    weight = f"; font-weight: {found[1].strip()}" if found[1] else ""
    return f"font-size: {found[2]}px{weight}"
