"""What can go wrong with consents."""

from app.core.errors import Problem


class SigningOnHold(Problem):
    """A dosing session of the patient is open. Nobody agrees to anything between arriving for a dose and its closure.

    Sign before the session, or when its record is closed. Withdrawing is possible at any time.
    """

    status = 409
    code = "signing_on_hold"
    title = "Nothing can be signed while a dosing session is open."


class DocumentOutdated(Problem):
    """The clinic has published another version of this document, or the document has run out.

    `current_document_id` is the one to show and sign instead; null when there is none.
    """

    status = 409
    code = "document_outdated"
    title = "There is a newer version of this document."


class DocumentMismatch(Problem):
    """What was shown to the patient is not this document: the language or the hash of the text is another one.

    Fetch the document again, show its text as it is, and send the SHA-256 of that text.
    """

    status = 409
    code = "document_mismatch"
    title = "The text that was shown is not the text of this document."


class ComprehensionNeeded(Problem):
    """A question about the text was not answered, or not as the text says. `errors` points at each.

    Show the passage again, talk about it, and ask again. It is no exam: there is no limit to the attempts.
    """

    status = 409
    code = "comprehension_needed"
    title = "The text should be talked about once more before it is signed."


class AlreadySigned(Problem):
    """The patient has signed this very document, and it counts. `consent_id` is that consent."""

    status = 409
    code = "already_signed"
    title = "This document is signed already."


class ConsentSuperseded(Problem):
    """A newer consent took the place of this one. `superseded_by` is the one to withdraw."""

    status = 409
    code = "consent_superseded"
    title = "A newer consent took the place of this one."


class ConsentWithdrawn(Problem):
    """The patient withdrew the consent to have this data processed here. Nothing new is stored.

    What was stored before can still be read. To go on, the patient signs the current document again.
    """

    status = 403
    code = "consent_withdrawn"
    title = "The consent to this was withdrawn."


class ConsentNeeded(Problem):
    """A dose needs consents that the patient has not given, or that do not count any more.

    `consents` names each with the reason: `withdrawn`, `expired`, `outdated` (the clinic published a newer version), or
    `never_signed` (where the clinic's protocol asks for it). Nothing can be signed while the session is open: cancel
    it, let the patient read and sign, and schedule it anew.
    """

    status = 409
    code = "consent_needed"
    title = "A consent that this dose needs does not stand."


class DisclosureRefused(Problem):
    """Nothing that the patient agreed to covers this disclosure. It was withheld, and that was written down.

    `refusal` says why: `no_consent`, `withdrawn`, `expired`, `purpose_not_covered`, `recipient_not_covered`,
    `categories_not_covered`, `restricted` (the patient asked that it stays here), `legal_process` (courts and police
    are answered by counsel, never by software), `reason_missing` or `wrong_recipient`.
    """

    status = 403
    code = "disclosure_refused"
    title = "No consent covers this disclosure."
