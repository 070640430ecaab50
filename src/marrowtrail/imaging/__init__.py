"""Pixels in: geometry in one frame, series, visits, masks. Imports `record` only."""
