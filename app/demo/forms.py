"""What patients of the demo clinic agree to: the clinic's documents, and who signed which of them.

The texts follow what is known about good consent forms and are meant to be read by anybody. They are examples: a clinic
has its own looked at by its lawyers.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from app.consents.models import ConsentDocument
from app.consents.schemas import ConsentDocumentWrite, ConsentWrite
from app.demo.people import PATIENTS, Story

TEXTS: Final = Path(__file__).parent / "forms"
LANGUAGE: Final = "en"
READING: Final = timedelta(minutes=7)
CAPACITY: Final = "I am sober and not in withdrawal. I understand this, and I know that I can say no."


def _asked(key: str, text: str, right: str, wrong: str, *others: str) -> dict[str, Any]:
    """A question; the right answer is the first."""
    choices = [{"key": f"answer_{number}", "text": said} for number, said in enumerate((right, wrong, *others), 1)]
    return {"key": key, "text": text, "choices": choices, "correct": "answer_1"}


DOCUMENTS: Final[dict[str, dict[str, Any]]] = {
    "treatment_ketamine_off_label": {
        "title": "Treatment with ketamine",
        "questions": [
            _asked(
                "approved",
                "Is ketamine approved for treating addiction?",
                "No, this is an off-label use",
                "Yes, for everybody",
            ),
            _asked("stop", "When can you stop?", "At any time, even during a dose", "Only before the first dose"),
            _asked(
                "driving", "When may you drive again?", "The next day, after a full night of sleep", "After two hours"
            ),
            _asked("place", "What if you say no?", "I keep my place in the programme", "I have to leave the programme"),
        ],
    },
    "data_processing_app": {
        "title": "Using the app",
        "questions": [_asked("watched", "Does somebody watch the app all the time?", "No", "Yes, day and night")],
    },
    "part2_tpo": {
        "title": "Sharing your record for your care",
        "purposes": ["treatment", "payment", "operations"],
        "recipients": [
            {"recipient_class": "treating_provider"},
            {"recipient_class": "health_plan"},
            {"recipient_class": "third_party_payer"},
            {"recipient_class": "programme_helper"},
        ],
        "categories": ["check_ins", "trends", "dosing_sessions", "appointments", "care_plan"],
    },
    "part2_specific": {
        "title": "Sharing with one person or place",
        "purposes": ["patient_request", "treatment"],
        "categories": ["check_ins", "trends", "dosing_sessions", "appointments", "care_plan", "notes"],
        "expires_after_days": 365,
    },
    "research": {
        "title": "Helping research",
        "purposes": ["research"],
        "recipients": [{"recipient_class": "researcher"}],
        "categories": ["check_ins", "trends", "dosing_sessions"],
        "questions": [_asked("care", "Does your treatment depend on this?", "No", "Yes")],
    },
    "contact_person_release": {
        "title": "Somebody we may call",
        "purposes": ["contact_person"],
        "categories": ["appointments", "dosing_sessions", "alerts"],
    },
}
EVERYONE_SIGNS: Final = ("treatment_ketamine_off_label", "data_processing_app", "part2_tpo")
NAMED_BY: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("clara", "contact_person_release"): {
        "recipients": [{"recipient_class": "contact_person", "name": "Mia J. (sister)"}],
        "categories": ["appointments", "dosing_sessions"],
    },
    ("emil", "part2_specific"): {
        "recipients": [{"recipient_class": "treating_provider", "name": "Dr R. Alvarez, New York"}],
        "categories": ["dosing_sessions", "trends"],
    },
}
"""Whom patients named, and what they may be told."""
CHANGED_THEIR_MIND: Final[dict[tuple[str, str], tuple[int, str]]] = {
    ("selin", "research"): (38, "I would rather not."),
    ("georg", "research"): (33, ""),
}
"""Who withdrew what, on which day of treatment, and what they said about it."""


def document(consent_type: str) -> ConsentDocumentWrite:
    """A document as the clinic publishes it."""
    text = (TEXTS / f"{consent_type}.md").read_text(encoding="utf-8")
    said = {"type": consent_type, "language": LANGUAGE, "text": text}
    return ConsentDocumentWrite.model_validate(said | DOCUMENTS[consent_type])


def signed_by(story: Story) -> tuple[str, ...]:
    """The types of consent that a patient signs on the first day: every other one helps research."""
    helps = ("research",) if PATIENTS.index(story) % 2 == 0 or (story.key, "research") in CHANGED_THEIR_MIND else ()
    named = tuple(consent_type for key, consent_type in NAMED_BY if key == story.key)
    return (*EVERYONE_SIGNS, *helps, *named)


def signature(story: Story, published: ConsentDocument, at: datetime) -> ConsentWrite:
    """What the patient's phone sends after they have read it."""
    form = {
        "document_id": published.id,
        "language": published.language,
        "text_hash": published.text_hash,
        "presented_at": at - READING,
        "answers": {question["key"]: question["correct"] for question in published.questions},
        "signature": story.name,
        "capacity_statement": CAPACITY,
    }
    return ConsentWrite.model_validate(form | NAMED_BY.get((story.key, published.type), {}))
