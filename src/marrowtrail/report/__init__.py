"""The report: HTML, the drawn trail, the figures."""
