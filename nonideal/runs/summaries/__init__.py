"""What is told of each stage: one file a stage. Of validations it is in ``nonideal.postlayout.summary``, for that room makes it."""
