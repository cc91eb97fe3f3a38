"""Lightweight tasks that bring an object to the state that a job left it in; stored files name this module."""

from experimaestro._config.tasks import PathSerializationLWTask, SerializationLWTask

__all__ = ["PathSerializationLWTask", "SerializationLWTask"]
