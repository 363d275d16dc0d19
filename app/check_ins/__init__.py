"""Check-ins: what a patient reports of one moment, in one or more instrument responses.

A check-in is made by the phone, with an id that the phone chose when the form was opened. Sending it again changes
nothing and answers the same; other answers under the same id are refused; a correction names the version it corrects,
and the earlier version is kept. Answers are scored here, kept as they were given, and turned into *observations*, one
number of one measure each, which is what trends are made of. What cannot be accepted from a batch goes into
*quarantine*, where staff can see it, so that a fault in an app loses no answer. The safety rules judge every check-in
but imported ones in the transaction that stores it, and the answer says at once what the patient is to be shown.

Events: `check_in.recorded`, `check_in.corrected`, `check_in.relinked`.
"""
