"""What a patient is asked for and when: check-in plans, and the check-ins that are due by them.

A *plan* has items: at fixed local times, at random within windows, every so many days, relative to a dose, on demand.
A clinic publishes *templates*; a patient has one of them, or a plan of their own. Each moment that a plan asks for is a
*due check-in* with an id that stays the same: `expected`, `open`, `answered` (perhaps `late`), `missed` or `withdrawn`.
Whoever lies above (dosing) moves those around a dose. Events: `check_in_plan.changed`, `check_in_template.published`,
`due_check_in.changed`, `patient.time_zone_changed`.
"""
