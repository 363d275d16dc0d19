"""Afterglow: check-ins, dosing sessions and trends for ketamine-assisted therapy in addiction rehabilitation.

Start reading at `api.py` (what can be asked), `main.py` (how it is wired) and any `rules.py` (what is decided).
"""

import gc

# Importing makes hundreds of thousands of objects that stay: looking for rubbish among them takes a sixth of a start.
gc.set_threshold(50_000, 20, 50)
