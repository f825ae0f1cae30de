"""The nouns of a run: places, events, verdicts, samples."""
