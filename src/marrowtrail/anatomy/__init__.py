"""Bones of a series, with their own axes and named regions."""
