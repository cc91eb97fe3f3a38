"""Configurations: what users write, compiled, validated, identified, stored.

This room knows nothing of running: `_run` imports it, never the other way round.
"""
