"""The thread through it: experiment file, run directory, stages, command line. Known by no other room."""
