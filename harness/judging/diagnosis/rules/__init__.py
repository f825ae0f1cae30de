"""The rules by what they look at; each file lists its own in the order in which they are tried."""
