"""REMS reports: what the programme for esketamine wants to know of each session, prefilled, to be sent by a person.

One report for each session with esketamine, due some days after it (the clinic's figure, 7). Nothing is filed for
anybody: a report is checked, printed and sent by the clinic, which records when and under which reference.
Events: `rems_report.drafted`, `rems_report.submitted`.
"""
