"""What patients agreed to, what they withdrew, and what was disclosed on the strength of it.

A clinic publishes *documents*: one text in one language, with a version and the SHA-256 of the text; none is ever
changed. A patient signs a document, which makes a *consent*; it is never changed either, but for its withdrawal, which
counts at once. A new consent *supersedes* the one that stood in its place. While a dosing session is open there is a
*hold*: nobody signs then. A *restriction* is the patient's wish that something stays here whatever was signed.

`disclosures.disclose` is the only door by which anything of a patient leaves. It decides at the moment of sending, and
writes down what it let through and what it *withheld*.

Events: `consent_document.published`, `consent.signed`, `consent.withdrawn`. Disclosures make no event: telling
subscribers of a disclosure would be another one.
"""
