"""The docs page in a real browser, used as a person would use it: read, sign in, try it out, look at a chart."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Error, Page, ViewportSize, sync_playwright

from drills.docs.clinic import ServedClinic
from drills.docs.tools import DrillFailedError, program, step

WIDE, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""
# Operations that answer 2xx with the examples as they stand, and what they answer.
TRIED = {
    "signing-in-readProfile": "200",
    "check-ins-submitCheckIn": "201",
    "check-ins-submitCheckInBatch": "200",
    "check-ins-listMyCheckIns": "200",
    "trends-readMyTrend": "200",
    "trends-readMyDoseAlignedTrend": "200",
    "instruments-readInstrument": "200",
    "running-readProblem": "200",
}
PICTURES = ("trends-drawMyTrendAsPng", "trends-drawMyDoseAlignedTrendAsPng")
WAIT = 20_000


def browse(clinic: ServedClinic, pictures: Path) -> None:
    """Open the page and use it; pictures of it are left in the folder."""
    step("the docs page in Chromium")
    chromium = program("chromium", "install it (Debian: apt-get install chromium)")
    pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        page = browser.new_page(viewport=WIDE)
        try:
            _use(page, clinic, pictures)
        except Error as error:
            page.screenshot(path=pictures / "failed.png")
            msg = f"the docs page did not do what was expected, see {pictures}/failed.png: {error}"
            raise DrillFailedError(msg) from error
        finally:
            browser.close()


def _use(page: Page, clinic: ServedClinic, pictures: Path) -> None:
    asked: list[str] = []
    spoken: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: spoken.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: spoken.append(str(error)))
    page.add_init_script(WATCH_POLICY)

    page.goto(f"{clinic.address}/docs")
    page.wait_for_selector(".opblock-tag-section", timeout=WAIT)
    _shows_every_tag(page)
    page.screenshot(path=pictures / "top.png")
    _sign_in(page, clinic)
    page.screenshot(path=pictures / "signed-in.png")
    for operation, status in TRIED.items():
        _try_out(page, operation, status)
    page.locator("#operations-check-ins-submitCheckIn").screenshot(path=pictures / "check-in.png")
    for operation in PICTURES:
        _try_out(page, operation, "200")
        _shows_picture(page, operation)
        page.locator(f"#operations-{operation}").screenshot(path=pictures / f"{operation}.png")
    page.set_viewport_size(PHONE)
    page.locator(f"#operations-{PICTURES[0]} .live-responses-table img").scroll_into_view_if_needed()
    page.screenshot(path=pictures / "phone.png")

    _leaves_nothing_behind(page, clinic, asked, spoken)
    print(f"{len(asked)} requests, all to this server; {len(TRIED) + len(PICTURES)} operations executed")


def _shows_every_tag(page: Page) -> None:
    document: dict[str, Any] = page.evaluate("fetch('/openapi.json').then((answer) => answer.json())")
    used = {operation["tags"][0] for item in document["paths"].values() for operation in item.values()}
    wanted = [tag["name"] for tag in document["tags"] if tag["name"] in used]
    shown = [str(each.get_attribute("data-tag")) for each in page.locator("h3.opblock-tag").all()]
    if shown != wanted:
        msg = f"the page shows the tags {shown}, the document has {wanted}"
        raise DrillFailedError(msg)
    unseen = [tag for tag in wanted if not page.locator(f'h3.opblock-tag[data-tag="{tag}"]').is_visible()]
    if unseen:
        msg = f"tags that cannot be seen: {unseen}"
        raise DrillFailedError(msg)


def _sign_in(page: Page, clinic: ServedClinic) -> None:
    page.click(".auth-wrapper .btn.authorize")
    page.fill(".modal-ux input", clinic.patient.token)
    page.click(".modal-ux .btn.modal-btn.auth.authorize")
    page.click(".modal-ux .btn-done")


def _try_out(page: Page, operation: str, status: str) -> None:
    block = page.locator(f"#operations-{operation}")
    block.locator(".opblock-summary-control").click()
    block.locator(".btn.execute").click()
    live = block.locator(".live-responses-table .response-col_status").last
    live.wait_for(timeout=WAIT)
    said = live.inner_text().split()[0]
    if said != status:
        body = block.locator(".live-responses-table").inner_text()[:2000]
        msg = f"{operation} answered {said} to its own example, not {status}:\n{body}"
        raise DrillFailedError(msg)


def _shows_picture(page: Page, operation: str) -> None:
    picture = page.locator(f"#operations-{operation} .live-responses-table img")
    picture.wait_for(timeout=WAIT)
    width = picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)")
    if width < 300:
        msg = f"{operation}: the picture is {width} pixels wide"
        raise DrillFailedError(msg)


def _leaves_nothing_behind(page: Page, clinic: ServedClinic, asked: list[str], spoken: list[str]) -> None:
    here = urlsplit(clinic.address).netloc
    elsewhere = [url for url in asked if urlsplit(url).scheme in {"http", "https"} and urlsplit(url).netloc != here]
    violations: list[str] = page.evaluate("window.violations")
    kept = json.loads(page.evaluate("JSON.stringify({...localStorage, ...sessionStorage, cookies: document.cookie})"))
    page.reload()
    page.wait_for_selector(".opblock-tag-section", timeout=WAIT)
    still_signed_in = page.locator(".auth-wrapper .btn.authorize.locked").count()
    faults = {
        "requests to other hosts": elsewhere,
        "violations of the policy": violations,
        "errors on the console": spoken,
        "things kept in the browser": [] if kept == {"cookies": ""} else [kept],
        "sign-ins that outlive the page": ["yes"] if still_signed_in else [],
    }
    if any(faults.values()):
        msg = "; ".join(f"{what}: {found}" for what, found in faults.items() if found)
        raise DrillFailedError(msg)
