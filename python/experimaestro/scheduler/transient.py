"""Names of the older package."""

from experimaestro._run.transient import TransientMode as TransientMode
