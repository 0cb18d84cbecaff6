"""Bodies of the token endpoint (RFC 6749, 7523, 7009) and the key set (RFC 7517)."""

from __future__ import annotations

from pydantic import BaseModel, Field


class TokenForm(BaseModel):
    """Sent as a form."""

    grant_type: str = Field(description="`client_credentials`")
    client_assertion_type: str = Field(description="`urn:ietf:params:oauth:client-assertion-type:jwt-bearer`")
    client_assertion: str = Field(description="A JWT signed with the client's key (EdDSA or ES256).")
    scope: str | None = Field(default=None, description="Fewer scopes than the client has, divided by spaces.")
    practices: str | None = Field(default=None, description="Fewer practices than the client has, divided by spaces.")


class RevokeForm(BaseModel):
    """Sent as a form."""

    token: str
    client_assertion_type: str
    client_assertion: str


class Token(BaseModel):
    """An access token."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class TokenRefusal(BaseModel):
    """Why there is no token."""

    error: str
    error_description: str


class Jwk(BaseModel):
    """A public key."""

    kty: str
    crv: str
    x: str
    y: str | None = None
    kid: str
    use: str
    alg: str


class Jwks(BaseModel):
    """The keys that access tokens are signed with."""

    keys: list[Jwk]
