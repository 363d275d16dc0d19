"""The forms of OAuth."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class TokenRequest(BaseModel):
    """Asks for a device's next tokens (RFC 6749, section 6). Fields that it does not name are ignored."""

    grant_type: Annotated[Literal["refresh_token"], Field(description="The only kind of grant that is offered.")]
    refresh_token: Annotated[str, Field(min_length=1, max_length=400, description="The newest refresh token.")]


class RevocationRequest(BaseModel):
    """Asks to sign a device out (RFC 7009, section 2.1). Fields that it does not name are ignored."""

    token: Annotated[str, Field(min_length=1, max_length=400, description="An access or refresh token.")]
