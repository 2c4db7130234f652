"""The thread through it: experiment file, run directory, stages, command line. Knows every room, is known by none."""
