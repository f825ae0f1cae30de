"""The commands of `splitlearn`, one file each."""
