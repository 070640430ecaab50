"""From findings to a ranked differential. Imports `record` only; never sees a pixel."""
