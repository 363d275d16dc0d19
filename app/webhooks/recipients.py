"""What an endpoint may be for, and what its receiver then has to be. A table."""

from enum import StrEnum
from typing import Final

from app.consents.kinds import Purpose, RecipientClass


class EndpointPurpose(StrEnum):
    """What an endpoint is told things for; consents are asked about it before each message."""

    TREATMENT = Purpose.TREATMENT.value
    OPERATIONS = Purpose.OPERATIONS.value
    PAYMENT = Purpose.PAYMENT.value
    RESEARCH = Purpose.RESEARCH.value
    INTEGRATION = Purpose.INTEGRATION.value


FITTING: Final[dict[EndpointPurpose, tuple[RecipientClass, ...]]] = {
    EndpointPurpose.TREATMENT: (RecipientClass.TREATING_PROVIDER,),
    EndpointPurpose.OPERATIONS: (RecipientClass.PROGRAMME_HELPER,),
    EndpointPurpose.PAYMENT: (RecipientClass.HEALTH_PLAN, RecipientClass.THIRD_PARTY_PAYER),
    EndpointPurpose.RESEARCH: (RecipientClass.RESEARCHER,),
    EndpointPurpose.INTEGRATION: (RecipientClass.CONNECTED_SYSTEM,),
}
"""Who may be told things for this purpose; the first of them is meant when nobody says who."""


def recipient_class(purpose: EndpointPurpose, named: RecipientClass | None) -> RecipientClass | None:
    """What the receiver is: as named, or else as the purpose says; None if the two do not fit."""
    fitting = FITTING[purpose]
    return fitting[0] if named is None else named if named in fitting else None
