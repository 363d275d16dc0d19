"""The clinician's panel: who needs attention now, one row for each patient.

What the panel shows of a patient stands in one row of `patient_summaries`, which is brought up to date in every
transaction that changes the patient's record (`keeping`, called by `core.upkeep` before the commit). Nothing in it
depends on the clock, so that the row that was kept equals the row that is made anew, at any moment; what does depend
on it (how many days since the dose, whether a session is overdue) is worked out when the panel is read.
It emits no events.
"""
