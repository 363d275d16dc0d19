"""What can honestly be said of a patient's measures over time: read-only, nothing is stored here.

A *trend* is one measure over a period of the calendar; a *dose-aligned trend* is the same values on an axis of minutes
since each dose. Values that a measure does not have are missing, never zero and never carried forward; lines break at
gaps; what rests on too few values is named under `insufficient_data` instead of being guessed.

Vocabulary: a *series* is the values of one measure in order of time; the *baseline* is what was usual before a dose;
the *burden* of a value is its distance from the good end of its scale, so that every rule reads the same for a scale
where higher is better; *D* is the change threshold; *relief* lasts from its *onset* to the *return*, and is *censored*
where the values end first.

Emits no events.
"""
