"""A workspace seen from outside of its experiments."""

from experimaestro._run.offline import WorkspaceStateProvider as WorkspaceStateProvider
