"""What is done: one file a stage, and the table of them."""
