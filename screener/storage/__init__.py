"""SQLite or PostgreSQL, and disk: rows that know, files that hold. Decides nothing."""
