"""Contexts for making objects outside a job."""

from experimaestro._config.generation import DirectoryContext, EmptyContext

__all__ = ["DirectoryContext", "EmptyContext"]
