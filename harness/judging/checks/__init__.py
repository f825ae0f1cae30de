"""Checks on a finished run: one function a check, each registered by the module that defines it."""

from importlib import import_module
from pkgutil import iter_modules

from harness.judging.check import CHECKS, Check, register_check

__all__ = ["CHECKS", "Check", "register_check"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
