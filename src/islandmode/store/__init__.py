"""What is read from operators' files and what a run writes down."""
