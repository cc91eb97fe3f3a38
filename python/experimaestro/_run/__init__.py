"""Running: experiments, jobs, and the process in which a job runs.

Floor: above `_config`, below `cli`. Nothing is imported here, because the process of a job needs only `runner`.
"""
