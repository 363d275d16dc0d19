"""What should have happened by now and has not: check-ins after a dose, sessions nobody came to, REMS reports.

The worker looks every minute. What is found later than it should have been is raised once, and says that it is late.
Events: those of `safety`, and `due_check_in.missed`.
"""
