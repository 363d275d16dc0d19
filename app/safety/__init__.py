"""Signs of danger: the rules that find them, the alerts they raise, and who is told until somebody answers.

A rule is a pure function with an id and a version; it looks at numbers that were written down and compares them with
figures that the clinic signed off. It predicts nothing. Its alert is written in the same transaction as what it was
found in, keeps the numbers it saw, and is never closed by the software: a named person acknowledges and resolves it.

Vocabulary: a *finding* is what a rule found; an *alert* is what the clinic has to look at; the *roster* says who is on
call and when the clinic is staffed; a *notice* is one message to one person that something waits for them; the *crisis
card* is what a patient is shown, signed in or not.

Events: `alert.raised`, `alert.repeated`, `alert.escalated`, `alert.acknowledged`, `alert.reassigned`,
`alert.resolved`, `on_call_roster.changed`.
"""
