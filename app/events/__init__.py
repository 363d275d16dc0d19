"""What the outside world may hear of: the outbox, written in the transaction of the fact itself.

`types.py` is the contract with subscribers. Events are thin: ids, a version, an instant and an address to fetch. No
score, note, name or drug travels in one, and the names of the events disclose none.
"""
