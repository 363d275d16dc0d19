"""The docs page in a real browser, used as a person would use it: read, sign in, try it out, look at a chart."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from playwright.sync_api import BrowserContext, Error, Page, ViewportSize, sync_playwright

from app.core import clock
from app.credentials import totp
from drills.docs.clinic import PASSWORD, Caller, ServedClinic
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
CLINICIANS_PICTURE = "trends-drawPatientTrendAsPng"
SESSIONS_PICTURE = "dosing-sessions-drawDosingSessionAsPng"
WAIT = 20_000


class Watch:
    """What the browser did in all its windows: whom it asked, what went wrong, which rules of a policy were broken."""

    def __init__(self, browsing: BrowserContext) -> None:
        self.asked: list[str] = []
        self.spoken: list[str] = []
        self.violations: list[str] = []
        browsing.add_init_script(WATCH_POLICY)
        browsing.on("request", lambda request: self.asked.append(request.url))
        browsing.on("console", lambda said: self.spoken.append(said.text) if said.type == "error" else None)
        browsing.on("weberror", lambda fault: self.spoken.append(str(fault.error)))

    def look_at(self, page: Page) -> None:
        """Note what the policy of this window had to stop so far."""
        self.violations += page.evaluate("window.violations")


@contextmanager
def a_window(pictures: Path, when_it_fails: str) -> Iterator[tuple[BrowserContext, Page]]:
    """A fresh Chromium; what goes wrong in it leaves a picture of that name."""
    chromium = program("chromium", "install it (Debian: apt-get install chromium)")
    pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        browsing = browser.new_context(viewport=WIDE)
        page = browsing.new_page()
        try:
            yield browsing, page
        except Error as error:
            page.screenshot(path=pictures / when_it_fails)
            msg = f"the page did not do what was expected, see {pictures}/{when_it_fails}: {error}"
            raise DrillFailedError(msg) from error
        finally:
            browser.close()


def browse(clinic: ServedClinic, pictures: Path) -> None:
    """Open the page and use it; pictures of it are left in the folder."""
    step("the docs page in Chromium")
    with a_window(pictures, "failed.png") as (browsing, page):
        _use(browsing, page, clinic, pictures)


def _use(browsing: BrowserContext, page: Page, clinic: ServedClinic, pictures: Path) -> None:
    watch = Watch(browsing)
    page.goto(f"{clinic.address}/docs")
    page.wait_for_selector(".opblock-tag-section", timeout=WAIT)
    _shows_every_tag(page)
    page.screenshot(path=pictures / "top.png")

    _sign_in(page, clinic.patient, watch, pictures / "sign-in.png")
    page.screenshot(path=pictures / "signed-in.png")
    for operation, status in TRIED.items():
        _try_out(page, operation, status)
    page.locator("#operations-check-ins-submitCheckIn").screenshot(path=pictures / "check-in.png")
    for operation in PICTURES:
        _try_out(page, operation, "200")
        _shows_picture(page, operation)
        page.locator(f"#operations-{operation}").screenshot(path=pictures / f"{operation}.png")
    _sign_out(page)
    _believes_no_other_answer(page, watch)

    _enrol(page, clinic.nurse, watch, pictures / "enrolment.png")
    _sign_out(page)

    _sign_in(page, clinic.prescriber, watch, pictures / "sign-in-phone.png", on_a_phone=True)
    _try_out(page, CLINICIANS_PICTURE, "200", patient_id=str(clinic.patient_id))
    _shows_picture(page, CLINICIANS_PICTURE)
    page.locator(f"#operations-{CLINICIANS_PICTURE}").screenshot(path=pictures / "clinicians-chart.png")
    _try_out(page, SESSIONS_PICTURE, "200", session_id=_a_session(clinic))
    _shows_picture(page, SESSIONS_PICTURE)
    page.locator(f"#operations-{SESSIONS_PICTURE}").screenshot(path=pictures / "session-chart.png")
    page.set_viewport_size(PHONE)
    page.locator(f"#operations-{PICTURES[0]} .live-responses-table img").scroll_into_view_if_needed()
    page.screenshot(path=pictures / "phone.png")

    watch.look_at(page)
    _leaves_nothing_behind(page, clinic, watch)
    done = len(TRIED) + len(PICTURES) + 2
    print(f"3 people signed in; {done} operations executed; {len(watch.asked)} requests, all to this server;")
    print("nothing kept in the browser, nothing stopped by a policy")


def _a_session(clinic: ServedClinic) -> str:
    """The id of a session of the patient."""
    asked = Request(
        f"{clinic.address}/v1/me/dosing-sessions", headers={"Authorization": f"Bearer {clinic.patient.token}"}
    )
    with urlopen(asked, timeout=10) as answer:
        return str(json.load(answer)["items"][0]["id"])


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


def _sign_in(page: Page, caller: Caller, watch: Watch, picture: Path, *, on_a_phone: bool = False) -> None:
    """Authorize, in the window that opens, with the one-time code of who has one."""
    window = _sign_in_window(page)
    if on_a_phone:
        window.set_viewport_size(PHONE)
    window.fill("#email", caller.email)
    window.fill("#password", PASSWORD)
    if caller.seed is not None:
        window.fill("#one_time_code", totp.code_of(caller.seed, totp.step_at(clock.now())))
    window.screenshot(path=picture, full_page=True)
    watch.look_at(window)
    _finish(page, window, "Sign in")


def _enrol(page: Page, caller: Caller, watch: Watch, picture: Path) -> None:
    """Sign in as staff without a second factor: the page makes them set one up."""
    window = _sign_in_window(page)
    window.fill("#email", caller.email)
    window.fill("#password", PASSWORD)
    window.click("button:has-text('Sign in')")
    window.wait_for_selector(".qr img", timeout=WAIT)
    drawn = window.locator(".qr img").evaluate("(image) => image.decode().then(() => image.naturalWidth)")
    if drawn < 20:
        raise DrillFailedError("the QR code is not drawn")
    window.screenshot(path=picture, full_page=True)
    seed = window.inner_text("code").replace(" ", "")
    window.fill("#one_time_code", totp.code_of(seed, totp.step_at(clock.now())))
    watch.look_at(window)
    _finish(page, window, "Confirm and sign in")


def _sign_in_window(page: Page) -> Page:
    page.click(".auth-wrapper .btn.authorize")
    scheme = page.locator(".modal-ux .auth-container").filter(has_text="sign_in")
    if scheme.locator("#client_secret_authorizationCode").is_visible():
        raise DrillFailedError("the docs page asks for a secret that its client does not have")
    with page.expect_popup() as opened:
        scheme.locator(".btn.authorize").click()
    opened.value.wait_for_selector("#email", timeout=WAIT)
    return opened.value


def _finish(page: Page, window: Page, button: str) -> None:
    with window.expect_event("close", timeout=WAIT):
        window.click(f"button:has-text('{button}')")
    page.locator(".modal-ux .auth-container").filter(has_text="sign_in").locator("text=Logout").wait_for(timeout=WAIT)
    page.click(".modal-ux .btn-done")


def _believes_no_other_answer(page: Page, watch: Watch) -> None:
    """Where a sign-in leads back to, nothing is passed on that was not asked for, or that somebody else answered."""
    page.evaluate(
        """window.heard = []; window.swaggerUIRedirectOauth2 = {
            state: "asked", auth: {name: "sign_in"}, redirectUrl: "",
            callback: () => heard.push("a code"), errCb: (fault) => heard.push(fault.message),
        }; undefined"""
    )
    here = page.evaluate("location.origin")
    for query in (
        f"code=x&state=other&iss={here}",
        f"code=x&iss={here}",
        "code=x&state=asked&iss=https://evil.example",
    ):
        with page.expect_popup() as opened:
            page.evaluate("(query) => { window.open(`/docs/oauth2-redirect.html?${query}`); }", query)
        opened.value.get_by_text("Begin again.").wait_for(timeout=WAIT)
        watch.look_at(opened.value)
        opened.value.close()
    heard = page.evaluate("heard")
    if len(heard) != 3 or "a code" in heard:
        msg = f"the docs page believed an answer that it should not: {heard}"
        raise DrillFailedError(msg)


def _sign_out(page: Page) -> None:
    page.click(".auth-wrapper .btn.authorize")
    page.click(".modal-ux button:has-text('Logout')")
    page.click(".modal-ux .btn-done")


def _try_out(page: Page, operation: str, status: str, **parameters: str) -> None:
    block = page.locator(f"#operations-{operation}")
    block.locator(".opblock-summary-control").click()
    for name, value in parameters.items():
        block.locator(f'tr[data-param-name="{name}"] input').fill(value)
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


def _leaves_nothing_behind(page: Page, clinic: ServedClinic, watch: Watch) -> None:
    here = urlsplit(clinic.address).netloc
    elsewhere = [
        url for url in watch.asked if urlsplit(url).scheme in {"http", "https"} and urlsplit(url).netloc != here
    ]
    kept = json.loads(page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})"))
    databases = page.evaluate("indexedDB.databases().then((found) => found.map((each) => each.name))")
    cookies = [cookie.get("name") for cookie in page.context.cookies()]
    page.reload()
    page.wait_for_selector(".opblock-tag-section", timeout=WAIT)
    still_signed_in = page.locator(".auth-wrapper .btn.authorize.locked").count()
    faults: dict[str, list[Any]] = {
        "requests to other hosts": elsewhere,
        "violations of the policy": watch.violations,
        "errors on the console": watch.spoken,
        "things kept in the browser": [*kept, *databases, *cookies],
        "sign-ins that outlive the page": ["yes"] if still_signed_in else [],
    }
    if any(faults.values()):
        msg = "; ".join(f"{what}: {found}" for what, found in faults.items() if found)
        raise DrillFailedError(msg)
