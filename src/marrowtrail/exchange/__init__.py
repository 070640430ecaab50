"""The result in the forms that hospital systems and other programs read."""
