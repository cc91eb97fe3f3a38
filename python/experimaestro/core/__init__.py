"""Import paths of older projects: every module here re-exports, and does nothing else."""
