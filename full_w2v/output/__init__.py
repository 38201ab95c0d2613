"""Writing results: atomically into place, or as a stream to what is not a file."""
