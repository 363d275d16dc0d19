"""Who is calling, and what they may see and do.

A person has an *account*; a *membership* makes the account a patient or a member of staff of one clinic; a *device* is
one signed-in phone or browser of a membership, and every request loads it, so that signing a device out works at once.
`permissions.py` is the table of who may do what; `access.py` is the guard that each route names in one line.
"""
