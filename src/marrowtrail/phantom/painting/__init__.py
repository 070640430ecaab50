"""Painting a posed limb, ill as it is, onto the grid of an image: water and fat, and the truth."""
