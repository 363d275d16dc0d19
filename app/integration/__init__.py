"""The integration window: which therapy was offered and attended after each dose, by hours since the dose.

Windows of the clinic's figures (0-24 h, 24-72 h, 72 h-7 d by default). Events: those of `safety`.
"""
