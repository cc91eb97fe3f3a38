"""Generated values."""

from experimaestro._config.annotations import Generator, PathGenerator, pathgenerator

__all__ = ["Generator", "PathGenerator", "pathgenerator"]
