"""Staff who sign in at an outside issuer (OpenID Connect) that the operator of the service trusts.

Nobody gets in who was not linked: an admin of the clinic says which *subject* of the issuer is which member of staff.
Tokens of the issuer are exchanged for our own, so that devices stay in one list and can be signed out at once.
"""
