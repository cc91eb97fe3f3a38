"""Python on another machine, through the package `rpyc`."""
