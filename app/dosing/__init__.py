"""Supervised dosing sessions: what was planned, who came, who cleared it, what was given when, and how it ended.

A session passes through stages (`rules.py`), each by one action of a named person. Every step is kept; none is changed
afterwards. What happens here moves an anchor on the patient's timeline, and with it the check-ins that belong to it.
While a session is open the patient signs no consent, and without the consents it needs no session is cleared.
Events: `dosing_session.scheduled`, `.moved`, `.arrived`, `.cleared`, `.started`, `.ended`, `.closed`, `.cancelled`.
"""
