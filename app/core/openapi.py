"""The OpenAPI document: FastAPI's, with the corrections that make it true and its generated clients clean.

Corrected are: errors (one `Problem` schema under `application/problem+json`, none of FastAPI's own), the permission of
each operation (read from its guard), and the security of open routes.
"""

import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from app.core import errors
from app.core.app_versions import AppUpdateRequired
from app.core.errors import Problem, ProblemDocument
from app.core.routing import aliases_are_of_fields

DROPPED = ("HTTPValidationError", "ValidationError", "ValidationErrorContext", "LocationInner", "ProblemDocument")
AN_ID = "0199f3d2-7c1e-7b60-9f3a-5d2e8c41a907"
SIGNED_IN: tuple[type[Problem], ...] = (errors.Unauthenticated, errors.Forbidden)
ALWAYS: tuple[type[Problem], ...] = (
    errors.HttpsRequired,
    errors.InternalError,
    errors.Unavailable,
    errors.TooManyRequests,
)
SECURITY_SCHEMES: dict[str, Any] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The `access_token` of a sign-in. It lasts minutes; `POST /oauth/token` gives the next one.",
    },
    "sign_in": {
        "type": "oauth2",
        "description": "The sign-in page: address, password and one-time code, or a passkey. Authorization code with "
        "PKCE (S256). For browsers and apps that people of the clinic use; the token is the same kind as above.",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "/oauth/authorize",
                "tokenUrl": "/oauth/token",
                "refreshUrl": "/oauth/token",
                "scopes": {},
            }
        },
    },
}


def routes(app: FastAPI) -> list[RouteContext]:
    """Every operation of the API, also those of included routers."""
    return [context for context in iter_route_contexts(app.routes) if isinstance(context.original_route, APIRoute)]


def guards(dependant: Dependant) -> list[Any]:
    """The guards that a route declares: callables that know which `permission` they ask for."""
    own = [dependant.call] if hasattr(dependant.call, "is_guard") else []
    return own + [guard for below in dependant.dependencies for guard in guards(below)]


def builder(
    app: FastAPI,
    about: dict[str, Any],
    describe: Callable[[FastAPI], None],
    complete: Callable[[dict[str, Any]], None],
) -> Callable[[], dict[str, Any]]:
    """`app.openapi`: builds the document once. `describe` and `complete` add what only packages above know."""

    def build() -> dict[str, Any]:
        if app.openapi_schema is None:
            describe(app)
            with aliases_are_of_fields():
                document = get_openapi(
                    routes=app.routes, webhooks=app.webhooks.routes, separate_input_output_schemas=True, **about
                )
            app.openapi_schema = _correct(app, _renamed(document))
            complete(app.openapi_schema)
        return app.openapi_schema

    return build


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    """The shape of an error is called `Problem` on the wire; in the code that is the exception."""
    text = json.dumps(document).replace("schemas/ProblemDocument", "schemas/Problem")
    named: dict[str, Any] = json.loads(text)
    return named


def _correct(app: FastAPI, document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in DROPPED:
        schemas.pop(name, None)
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    document["components"]["securitySchemes"] = SECURITY_SCHEMES
    for context in routes(app):
        path = context.path or ""
        for method in context.methods or ():
            operation = document["paths"].get(path, {}).get(method.lower())
            if operation is not None:
                _correct_operation(operation, path, guards(context.dependant))
    return document


def _correct_operation(operation: dict[str, Any], path: str, its_guards: list[Any]) -> None:
    declared = operation["responses"]
    has_input = "422" in declared
    if has_input and "application/json" in declared["422"].get("content", {}):
        declared["422"] = errors.response(errors.InvalidRequest)
    elif has_input and (operation.get("parameters") or "requestBody" in operation):
        _also(declared["422"], errors.InvalidRequest)
    permission = its_guards[0].permission if its_guards else None
    if permission is None:
        operation["security"] = []
    else:
        operation["security"] = [{name: []} for name in SECURITY_SCHEMES]
        operation["x-permission"] = str(permission)
        operation["description"] = f"{operation.get('description', '')}\n\n*Permission:* `{permission}`.".strip()
        for problem in SIGNED_IN:
            declared.setdefault(str(problem.status), errors.response(problem))
    if has_input:
        declared.setdefault("400", errors.response(errors.MalformedRequest))
    for parameter in operation.get("parameters", []):
        _describe_id(parameter, path)
        _give_example(parameter)
    if "requestBody" in operation:
        _correct_body(operation["requestBody"], declared)
    if "404" not in declared and any(p.get("in") == "path" for p in operation.get("parameters", [])):
        declared["404"] = errors.response(errors.NotFound)
    turns_away = (AppUpdateRequired,) if any(not guard.serves_old_apps for guard in its_guards) else ()
    for problem in (*ALWAYS, *turns_away):
        declared.setdefault(str(problem.status), errors.response(problem))
    operation["responses"] = dict(sorted(declared.items()))


def _correct_body(body: dict[str, Any], declared: dict[str, Any]) -> None:
    """What may be wrong with a body as such."""
    declared.setdefault("408", errors.response(errors.BodyTooSlow))
    declared.setdefault("413", errors.response(errors.BodyTooLarge))
    if "application/x-www-form-urlencoded" in body["content"]:  # refused as RFC 6749 says
        del declared["422"]
        return
    declared["400"] = errors.response(errors.MalformedJson, errors.MalformedRequest)
    declared.setdefault("415", errors.response(errors.UnsupportedMediaType))


def _also(declared: dict[str, Any], problem: type[Problem]) -> None:
    """A status that a route declares for reasons of its own has the usual one too."""
    said = errors.response(problem)["description"]
    if said not in declared["description"]:
        declared["description"] = f"{said} {declared['description']}"


def _describe_id(parameter: dict[str, Any], path: str) -> None:
    """An id in an address is the id of what stands before it: `/check-ins/{check_in_id}`."""
    if parameter["in"] != "path" or not parameter["name"].endswith("_id"):
        return
    before = path.partition(f"/{{{parameter['name']}}}")[0].rpartition("/")[2].removesuffix("s")
    noun = before[-len(parameter["name"].removesuffix("_id")) :]
    parameter.setdefault("description", f"Id of the {noun}.")
    if not {"example", "examples"} & {*parameter, *parameter["schema"]}:
        parameter["example"] = AN_ID


def _give_example(parameter: dict[str, Any]) -> None:
    """The docs page fills a field in from the parameter's example only, not from those of its schema.

    What may be left out stays empty there: a filter that was filled in would hide what the reader came to see.
    """
    examples = parameter["schema"].get("examples")
    if examples and parameter.get("required") and not {"example", "examples"} & set(parameter):
        parameter["example"] = examples[0]
