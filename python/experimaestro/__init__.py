"""Typed experiments in Python: every task runs exactly once."""
