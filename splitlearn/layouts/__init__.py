"""The model families, one per file: each module registers the layout of the `model_type` it is named after."""

from collections.abc import Mapping

from splitlearn import registry
from splitlearn.models.layout import Layout

__all__ = ["LAYOUTS", "Layout", "register"]

LAYOUTS: Mapping[str, Layout] = registry.LAYOUTS
register = registry.LAYOUTS.register
