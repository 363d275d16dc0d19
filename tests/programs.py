"""How programs ask for tokens."""

import base64

import httpx2

GRANT = {"grant_type": "client_credentials"}
Program = tuple[str, str]


async def ask(client: httpx2.AsyncClient, **form: str) -> httpx2.Response:
    return await client.post("/oauth/token", data=GRANT | form)


async def by_post(client: httpx2.AsyncClient, program: Program, **form: str) -> httpx2.Response:
    return await ask(client, client_id=program[0], client_secret=program[1], **form)


async def by_basic(client: httpx2.AsyncClient, user: str, password: str, **form: str) -> httpx2.Response:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return await client.post("/oauth/token", data=GRANT | form, headers={"Authorization": f"Basic {encoded}"})


async def a_token(client: httpx2.AsyncClient, program: Program) -> str:
    answer = await by_post(client, program)
    assert answer.status_code == 200
    return str(answer.json()["access_token"])


def refused(answer: httpx2.Response) -> bool:
    """Whether it is the 401 that RFC 6749 asks for."""
    return (
        answer.status_code == 401
        and answer.json()["error"] == "invalid_client"
        and answer.headers["www-authenticate"].startswith("Basic")
    )
