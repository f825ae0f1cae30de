"""The figures of the report: one function a figure, each registered by the module that defines it."""

from importlib import import_module
from pkgutil import iter_modules

from harness.report.figures.figure import FIGURES, Figure, register_figure

__all__ = ["FIGURES", "Figure", "register_figure"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
