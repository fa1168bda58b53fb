"""Result objects held against public validators."""
