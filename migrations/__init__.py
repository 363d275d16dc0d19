"""The history of the database's schema. `env.py` runs it; `versions/` holds one file for each change."""
