"""Appointments beside the dosing sessions: cognitive therapy, mindfulness, integration, groups, medical review.

Statuses are those of FHIR R4; attendance is kept apart from them, with minutes and, for a miss, the reason. An
appointment is an anchor on the patient's timeline: check-ins during it and shortly after it belong to it.
Events: `appointment.booked`, `.moved`, `.arrived`, `.attended`, `.cancelled`.
"""
