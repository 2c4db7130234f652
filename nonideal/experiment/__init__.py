"""What is asked: an experiment file, its sections and defaults, and what is wrong with it."""
