"""Arrays: pure functions from a radiograph to model input, and from findings to pictures."""
