"""Logs and metrics: our own numbers only, never a patient's."""
