"""The patient's own story: private entries, shared one by one with the care team, gone when they are deleted.

Nothing outside this package reads the text: no search, no log, no event says that there is any. The audit
shows privacy officers that something was written and when, never what.
"""
