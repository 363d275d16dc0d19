"""Groups that meet: members, capacity, waiting list. Each meeting is an appointment of each member.

No member's record, and no answer to a patient, ever mentions another. Events: `group.changed`,
`group_session.changed`, and those of the appointments that follow.
"""
