"""The patient's own copy of their record: as JSON for programs, as HTML and PDF for people.

`GET /v1/me/export` leaves nothing out but what it names in `left_out`. The copy is written after the request's
transaction has ended, in many short ones, so that a long record holds nobody up (docs/adr/0011-own-record.md).
"""
