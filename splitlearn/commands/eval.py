"""`splitlearn eval`: loss and perplexity through the trunk."""

import argparse
import json
import sys
from dataclasses import asdict

from splitlearn.client.fitting import check_data_fits
from splitlearn.client.inference import evaluate
from splitlearn.commands.trained import add_trained_flags, trained_config, trained_model
from splitlearn.config import add_config_flags
from splitlearn.data import load_training_data
from splitlearn.determinism import make_deterministic

__all__ = ["add_flags", "run"]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "--eval-data", default="", metavar="FILE", help="text to evaluate; the training text by default"
    )
    add_trained_flags(parser)
    add_config_flags(parser)


def run(flags: argparse.Namespace) -> int:
    """Print one JSON object with loss, perplexity, tokens and step."""
    config = trained_config(flags)
    make_deterministic(config)
    data = load_training_data(config, text=flags.eval_data or None)
    with trained_model(
        config, data.tokenizer, lambda identity: check_data_fits(config, identity, data), initial=flags.initial
    ) as model:
        result = evaluate(model.stage, model.trunk, data, config)
    sys.stdout.write(json.dumps({**asdict(result), "step": model.step}) + "\n")
    return 0
