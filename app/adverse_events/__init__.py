"""Adverse events: what happened to a patient, how severe and how serious it was, and who has to hear of it by when.

*Severe* is a grade (CTCAE, 1-5); *serious* is a regulatory word (death, a threat to life, hospital...). They are kept
apart. Corrections add a version. Events: `adverse_event.recorded`, `adverse_event.corrected`.
"""
