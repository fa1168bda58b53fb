"""Synthetic children's chest films with exact truth. Nothing here says anything about a child."""
