"""The stages: each reads one state, writes the next and returns. No stage calls another."""
