"""Starters for the real systems; see ../README.md."""
