"""Calendar feeds (ICS) for patients and staff, under a secret address that can be revoked.

Titles tell nothing of treatment unless the owner of the feed wants them to.
"""
