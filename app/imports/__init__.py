"""Bringing in records that were made elsewhere: check-ins, appointments and dosing sessions from CSV files.

A *map* (a short TOML file) says what the columns of a *source* mean. The people of a source become pseudonymous
patients of one clinic, without accounts, and are found again by the next file of the same source. Every id is derived
from the source, the person and the row, so that a second run stores nothing. Each row ends as *stored*, *known*,
*skipped* or *refused*, with a reason that never repeats what the row says.

Rows go through the services of check-ins, dosing and appointments, which score, link, keep and tell; so the events are
theirs. Each batch writes one audit entry for each patient whom it touches.
"""
