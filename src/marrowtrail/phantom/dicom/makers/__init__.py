"""How each maker of scanners fills in the headers."""
