"""What a run leaves behind, written while it runs."""
