"""The demo: a node, a small archive, synthetic children in, committed reports out."""
