"""Afterglow: check-ins, dosing sessions and trends for ketamine-assisted therapy in addiction rehabilitation.

Start reading at `api.py` (what can be asked), `main.py` (how it is wired) and any `rules.py` (what is decided).
"""
