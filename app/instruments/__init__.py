"""Questionnaires, as versioned data, and the arithmetic that turns answers into numbers.

Vocabulary: an *instrument* is a questionnaire in one version, with its items, permitted values, scoring, band sets,
cut-offs, safety items and licence. A *measure* is one number that answers can yield (`craving`, `phq9_total`). A
*score* is what one set of answers comes to. A *band set* names ranges of a total; since severity bands are not unique,
each set has a name and a version that are kept with the score.

`data/instruments.json` holds every definition. What is published under a key and a version never changes; a correction
is a new version. Official wording is not in it: a clinic uploads the wording it may use, with a record of its licence.

Missing answers are missing: a sum scale with a gap has no total, and nothing is ever counted as zero. No events.
"""
