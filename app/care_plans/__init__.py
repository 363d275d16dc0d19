"""What a patient is asked for and when. For now: the check-ins that are due around a dose.

Starting a dose plans them by the clinic's protocol, relative to its begin; whoever lies above (dosing) moves and calls
them off. A due check-in is `expected`, `open`, `answered` (perhaps `late`), `missed` or `cancelled`.
"""
