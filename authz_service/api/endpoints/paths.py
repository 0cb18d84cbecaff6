"""Paths and parameters that several endpoints share."""

from __future__ import annotations

from authz_service.api.routing import Parameter

GRANT = "/v1/grants/{grant_id}"
WITHHELD = f"{GRANT}/withheld/{{type}}/{{resource_id}}"
CLIENT = "/v1/clients/{client_id}"
PRACTICE = "/v1/practices/{practice_id}"
EMERGENCY = "/v1/emergency-accesses/{access_id}"
RESOURCE = "/v1/resources/{type}/{resource_id}"
WITHHELD_FROM_ALL = f"{CLIENT}/withheld/{{type}}/{{resource_id}}"
LOCK = f"{PRACTICE}/accounts/{{account_id}}/lock"
PAGE = (Parameter("after", "The `next` of the page before."), Parameter("limit", "At most this many, up to 500."))
POLICY_VERSION = "/v1/policy/versions/{version}"
