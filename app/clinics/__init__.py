"""A clinic's own administration: its patients, its staff, who looks after whom, and its protocol.

Events: `patient.enrolled`, `patient.activated`, `care_team.changed`, `staff.left`, `protocol.changed`.
"""
