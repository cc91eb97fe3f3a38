"""Outputs that a task announces while it runs."""

from experimaestro._config.watching import WatchedOutput, register_task_output, watch_output

__all__ = ["WatchedOutput", "register_task_output", "watch_output"]
