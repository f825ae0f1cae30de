"""The trunk: the middle blocks, their optimizer, and the server around them."""
