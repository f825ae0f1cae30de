"""`splitlearn generate`: text through the trunk."""

import argparse
import sys

from splitlearn.client.inference import Sampling, generate
from splitlearn.commands.trained import add_trained_flags, trained_config, trained_model
from splitlearn.config import add_config_flags
from splitlearn.data import load_tokenizer
from splitlearn.determinism import make_deterministic
from splitlearn.errors import ConfigError
from splitlearn.models.family import ModelIdentity

__all__ = ["add_flags", "run"]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("--prompt", default="The", help="text to continue (default: %(default)s)")
    parser.add_argument("--max-new-tokens", type=int, default=50, help="tokens to add (default: %(default)s)")
    parser.add_argument("--temperature", type=float, default=1.0, help="0 takes the likeliest (default: %(default)s)")
    parser.add_argument(
        "--top-k", type=int, default=0, help="sample among this many; 0 means all (default: %(default)s)"
    )
    add_trained_flags(parser)
    add_config_flags(parser)


def run(flags: argparse.Namespace) -> int:
    """Print the prompt and its continuation."""
    config = trained_config(flags)
    make_deterministic(config)
    tokenizer = load_tokenizer(config)
    sampling = Sampling(flags.max_new_tokens, flags.temperature, flags.top_k)
    for name, value in vars(sampling).items():
        if not value >= 0:
            raise ConfigError(f"{name} = {value}: at least 0 is allowed")
    prompt = tokenizer.encode(flags.prompt) or [tokenizer.end_of_text]

    def check_fits(identity: ModelIdentity) -> None:
        tokenizer.check_fits(identity.vocab_size)

    with trained_model(config, tokenizer, check_fits, initial=flags.initial) as model:
        added = list(generate(model.stage, model.identity, model.trunk, prompt, sampling, config))
    sys.stdout.write(tokenizer.decode(prompt + added) + "\n")
    return 0
