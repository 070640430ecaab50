"""Oedema and the signs beside it, measured visit by visit."""
