"""Signing a device in: with an invitation, with a password, and proving again that it is you."""
