"""What estimates. torch lives here and in training; `card` has none: the listener reads it."""
