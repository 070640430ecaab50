"""Lesions laid into real series, with truth."""
