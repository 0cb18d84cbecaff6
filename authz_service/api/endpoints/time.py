"""Other times: coming changes, the past, hand-overs."""

from __future__ import annotations

from authz_service.api import coming, hand_overs
from authz_service.api.endpoints.paths import CLIENT, PRACTICE
from authz_service.api.routing import Endpoint
from models.vocabulary import Scope
from models.wire import time as time_bodies

ENDPOINTS = (
    Endpoint(
        "GET",
        f"{PRACTICE}/coming-changes",
        "What will change by itself: birthdays, and grants that begin or end.",
        coming.list_coming_changes,
        Scope.ASK_AT,
        reply=time_bodies.ComingChanges,
        refusals=(404, 422),
        query=coming.COMING_QUERY,
        takes_actor=True,
    ),
    Endpoint(
        "GET",
        f"{CLIENT}/past",
        "Who could do what with a client's items at an instant, and who had set what.",
        coming.show_past,
        Scope.ASK_AT,
        reply=time_bodies.PastReply,
        refusals=(404, 422),
        query=coming.PAST_QUERY,
        takes_actor=True,
    ),
    Endpoint(
        "GET",
        f"{PRACTICE}/hand-overs",
        "A practice's hand-overs.",
        hand_overs.list_hand_overs,
        Scope.ACCESS_READ,
        reply=time_bodies.HandOvers,
        refusals=(404,),
        takes_actor=True,
    ),
    Endpoint(
        "POST",
        f"{PRACTICE}/hand-overs/preview",
        "What a hand-over would do.",
        hand_overs.preview_hand_over,
        Scope.ACCESS_READ,
        body=time_bodies.HandOverRequest,
        reply=time_bodies.HandOver,
        refusals=(404, 409),
        takes_actor=True,
    ),
    Endpoint(
        "POST",
        f"{PRACTICE}/hand-overs",
        "Hand one person's access over to a successor on a day.",
        hand_overs.create_hand_over,
        Scope.ACCESS_WRITE,
        body=time_bodies.HandOverRequest,
        reply=time_bodies.HandOver,
        refusals=(404, 409, 412),
        status=201,
        takes_actor=True,
    ),
    Endpoint(
        "DELETE",
        f"{PRACTICE}/hand-overs/{{hand_over_id}}",
        "Take a planned hand-over back before its day.",
        hand_overs.delete_hand_over,
        Scope.ACCESS_WRITE,
        reply=time_bodies.KeptHandOver,
        refusals=(404, 409, 412),
        takes_actor=True,
    ),
)
