"""Who and what is taken when: staff, rooms, patients; working hours, and where there is room left.

A *booking* holds a member of staff, a room or a patient for a time; the database lets no two of one overlap unless
somebody with a reason said so. Events: `room.changed`, `staff.hours_changed`.
"""
