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

    async def test_its_folders_cannot_be_left(self, client: httpx2.AsyncClient) -> None:
        for address in ("/docs/page/../docs.py", "/docs/page/%2e%2e/docs.py", "/docs/swagger/..%2f..%2f__init__.py"):
            assert (await client.get(address)).status_code == 404
