"""How much a patient was given so far, how often, and the signs of harm to look for; derived, never stored.

Events: none; it only reads.
"""
