"""The result of a run, its schema and the folder that it is written to."""
