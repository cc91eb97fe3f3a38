"""Tools for the developers of projects."""
