"""Supervised dosing sessions: what was planned, who came, who cleared it, what was given when, and how it ended.

A session passes through stages (`rules.py`), each by one action of a named person. Every step is kept; none is changed
afterwards. What happens here moves an anchor on the patient's timeline, and with it the check-ins that belong to it.
While a session is open the patient signs no consent, and without the consents it needs no session is cleared.

Where things are: `rules.py` the stages; `steps.py` the one way in which a session changes; `service.py` planning and
what stands beside the way; `checklists.py`, `clearances.py` before the dose; `doses.py`, `dose_records.py`, `pauses.py`
the dose; `recording.py`, `readings.py`, `observation.py` the readings and their plan; `discharge.py` the way home;
`exposure.py` how much was given so far. Files named `*_rules.py` are pure: tables and functions to read aloud.

Events: `dosing_session.scheduled`, `.moved`, `.arrived`, `.checked`, `.cleared`, `.held`, `.started`, `.paused`,
`.resumed`, `.ended`, `.aborted`, `.corrected`, `.readings_recorded`, `.assessed`, `.discharged`, `.transferred`,
`.closed`, `.cancelled`; `extra_session.requested`; and those of the alerts that they raise.
"""
