"""The same bone and the same lesion from visit to visit, and where oedema went."""
