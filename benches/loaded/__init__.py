"""A package with a task: its classes are found by importing, those of a script by running it."""
