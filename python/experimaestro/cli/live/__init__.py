"""What people see while an experiment runs: bars in a terminal, lines elsewhere, and a summary at the end.

`board` keeps what is known about the jobs; `bars` and `lines` show it; `summary` tells the end; `watch` connects them
to an experiment.
"""
