"""What can be wrong with a credential."""

from app.core.errors import Problem


class WeakPassword(Problem):
    """The password is too easy to guess. It needs 15 characters or more that are not just a common word repeated."""

    status = 422
    code = "weak_password"
    title = "This password is too easy to guess."


class SecondFactorExists(Problem):
    """The account has one-time codes already. Remove those first, on a device that showed one of them."""

    status = 409
    code = "second_factor_exists"
    title = "There are one-time codes already."


class ProofRefused(Problem):
    """The password or the one-time code is wrong, or the code was used already. A code can be used once."""

    status = 422
    code = "proof_refused"
    title = "The password or the one-time code is wrong."


class PasskeysUnavailable(Problem):
    """This server runs without the library that checks passkeys. Everything else works: use a password."""

    status = 404
    code = "passkeys_unavailable"
    title = "This server takes no passkeys."


class PasskeyNotAccepted(Problem):
    """What the authenticator made does not answer our challenge.

    The challenge is older than 5 minutes or was answered before, the answer is from another site or to another request,
    the authenticator did not verify its user, or its credential is known already. Ask for new options and try again.
    """

    status = 422
    code = "passkey_not_accepted"
    title = "This passkey cannot be added."


class PasskeyRefused(Problem):
    """Nobody is signed in with this: the passkey is unknown here, or does not answer our challenge.

    The challenge is older than 5 minutes or was answered before, the answer is from another site or to another request,
    the authenticator did not verify its user, or it counts backwards as a copied one does. Ask for new options.
    """

    status = 401
    code = "passkey_refused"
    title = "This passkey does not sign anybody in."


class TooManyPasskeys(Problem):
    """An account has room for 20 passkeys. Remove one that is not used any more."""

    status = 409
    code = "too_many_passkeys"
    title = "There are 20 passkeys already."


class LastCredential(Problem):
    """The account has no password, and this is its last passkey: without it nobody could sign in."""

    status = 409
    code = "last_credential"
    title = "Nothing else signs this account in."
