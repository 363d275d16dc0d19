"""Who touched whose record: one entry for every read and write of patient data, in the same transaction.

An entry holds ids and names of operations, never values. Entries are only ever added. Each carries a mark that only a
holder of the secrets can make (`marks.py`). Within a second of its commit the sealer gives it its number and chains it
to the entry before (`sealing.py`), and from time to time signs how far the chain has come (`checkpoints.py`).
`afterglow audit verify` computes all of it again and names the row that does not fit (`verification.py`).
"""
