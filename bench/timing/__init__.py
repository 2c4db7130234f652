"""What bench/training.py times, and what it is held against."""
