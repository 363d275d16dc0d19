"""The endpoints of OAuth 2.1: how browsers, phones and programs get their tokens, and give them back."""
