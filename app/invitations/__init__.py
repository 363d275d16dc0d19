"""Codes that a clinic hands over, by which a person gets an account, or gets theirs back.

A code is a *selector*, by which it is found, and a *verifier*, of which only a hash is kept. It can be used once,
within 7 days, and five wrong guesses end it.
"""
