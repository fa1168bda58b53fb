"""The words and the decisions: pure functions on small frozen values, standard library only."""
