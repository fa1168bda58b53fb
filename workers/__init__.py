"""Drives the stages on many machines: Celery workers, nudged through Redis. Decides nothing."""
