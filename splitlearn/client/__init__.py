"""The client: data, labels, bottom and top, and the training step."""
