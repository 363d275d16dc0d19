"""A patient's moments in order, and what they belong to.

*Anchors* are the dosing sessions and appointments of a patient, as far as time is concerned; *moments* are the
check-ins. Dosing and appointments place and move their anchors here, check-ins register their moments here, and
moving an anchor links the moments again in the same transaction; neither side knows the other.
"""
