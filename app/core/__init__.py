"""What has no clinical meaning: settings, database, errors, wire types, request parsing, tokens of time and identity.

Everything else may import from here; nothing here imports from the rest of the application.
"""
