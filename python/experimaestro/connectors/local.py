"""This machine."""

from experimaestro._run.launching import LocalConnector as LocalConnector
