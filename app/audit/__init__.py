"""Who touched whose record: one entry for every read and write of patient data, in the same transaction.

An entry holds ids and names of operations, never values. Entries are only ever added.
"""
