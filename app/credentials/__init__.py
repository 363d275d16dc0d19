"""What people prove themselves with: passwords, one-time codes, passkeys.

A *second factor* is a one-time code or a passkey. Staff need one; patients may have one.
"""
