"""A clinic's protocol: every figure on which the clinic, not the software, decides, versioned and signed off.

A figure tagged D in our clinical notes has no authority of its own. It is a field here with a proposed default; a
version that nobody has signed off says so wherever it is shown. Versions are never changed, only followed by another.
"""
