"""The docs page asks no other host for anything and runs nothing that is written into it."""

import re

import httpx2

OTHER_HOST = re.compile(r"""(?:src|href|url)\s*[=(:]\s*["']?(?:https?:)?//""")


class TestDocsPage:
    async def test_is_served_under_a_policy_without_inline_code(self, client: httpx2.AsyncClient) -> None:
        page = await client.get("/docs")

        policy = page.headers["content-security-policy"]
        assert page.status_code == 200
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "img-src 'self' data: blob:;" in policy
        assert "unsafe" not in policy
        assert "<script>" not in page.text
        assert "style=" not in page.text

    async def test_needs_only_files_of_this_server(self, client: httpx2.AsyncClient) -> None:
        page = (await client.get("/docs")).text
        needed = re.findall(r'(?:src|href)="([^"]+)"', page)

        assert needed
        assert OTHER_HOST.search(page) is None
        for address in needed:
            answer = await client.get(address)
            assert answer.status_code == 200, address
            assert answer.headers["content-type"].split(";")[0] in {
                "text/css", "text/javascript", "application/javascript", "image/svg+xml",
            }  # fmt: skip

    async def test_keeps_the_token_in_memory_only(self, client: httpx2.AsyncClient) -> None:
        script = (await client.get("/docs/page/page.js")).text

        assert "persistAuthorization: false" in script
        assert "validatorUrl: null" in script

    async def test_signs_in_without_a_secret(self, client: httpx2.AsyncClient) -> None:
        script = (await client.get("/docs/page/page.js")).text
        document = (await client.get("/openapi.json")).json()

        assert "usePkceWithAuthorizationCodeGrant: true" in script
        assert "ecret:" not in script
        flow = document["components"]["securitySchemes"]["sign_in"]["flows"]["authorizationCode"]
        assert (flow["authorizationUrl"], flow["tokenUrl"]) == ("/oauth/authorize", "/oauth/token")

    async def test_its_folders_cannot_be_left(self, client: httpx2.AsyncClient) -> None:
        for address in ("/docs/page/../docs.py", "/docs/page/%2e%2e/docs.py", "/docs/swagger/..%2f..%2f__init__.py"):
            assert (await client.get(address)).status_code == 404


class TestWayBack:
    """The page that a sign-in leads to: it hands the code to the window that asked, and holds nothing itself."""

    async def test_runs_only_what_is_in_files(self, client: httpx2.AsyncClient) -> None:
        page = await client.get("/docs/oauth2-redirect.html", params={"code": "secret", "state": "<script>"})

        assert page.status_code == 200
        assert "script-src 'self';" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert "secret" not in page.text
        assert re.findall(r"<script[^>]*>", page.text) == [
            '<script src="/docs/page/oauth2-redirect.js" data-issuer="http://127.0.0.1:8000">'
        ]
        for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert (await client.get(address)).status_code == 200

    async def test_believes_only_the_answer_that_was_asked_for(self, client: httpx2.AsyncClient) -> None:
        script = (await client.get("/docs/page/oauth2-redirect.js")).text

        assert 'answer.get("state") !== asked.state' in script
        assert 'answer.get("iss") !== issuer' in script
        assert "localStorage" not in script
