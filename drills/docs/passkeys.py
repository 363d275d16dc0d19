"""A passkey in a real browser: made, and used on our sign-in page, with Chromium's own virtual authenticator."""

from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import BrowserContext, Page

from drills.docs.browser import WAIT, Watch, a_window
from drills.docs.clinic import ServedClinic
from drills.docs.tools import DrillFailedError, step

REDIRECT_PATH = "/docs/oauth2-redirect.html"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # that of RFC 7636; nobody exchanges the code here
ADD_PASSKEY = """
async (token) => {
  const ask = async (path, body) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: answer.status, told: await answer.json() };
  };
  const { told } = await ask("/v1/me/passkeys/options");
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(told.public_key);
  const made = await navigator.credentials.create({ publicKey });
  return (await ask("/v1/me/passkeys", { credential: made.toJSON(), label: "the drill's" })).status;
}
"""


def sign_in_with_passkey(clinic: ServedClinic, pictures: Path) -> None:
    """Add a passkey to the prescriber, then sign in with it alone."""
    step("a passkey in Chromium")
    with a_window(pictures, "passkey-failed.png") as (browsing, page):
        _use(browsing, page, clinic, pictures)


def _use(browsing: BrowserContext, page: Page, clinic: ServedClinic, pictures: Path) -> None:
    watch = Watch(browsing)
    _plug_in(browsing, page)
    named = f"http://localhost:{urlsplit(clinic.address).port}"  # a passkey belongs to a name, not to a number

    page.goto(_sign_in_page(clinic.address))
    if page.locator("#use-passkey").is_visible():
        raise DrillFailedError("the page offers a passkey at an address that can have none")

    page.goto(_sign_in_page(named))
    page.locator("#use-passkey").click()
    page.locator("#passkey-problem").wait_for(timeout=WAIT)  # there is none yet, and the page says so

    added = page.evaluate(ADD_PASSKEY, clinic.prescriber.token)
    if added != 201:
        msg = f"adding the passkey was answered with {added}"
        raise DrillFailedError(msg)

    page.goto(_sign_in_page(named))
    page.screenshot(path=pictures / "passkey.png", full_page=True)
    watch.look_at(page)
    with page.expect_request(f"{named}{REDIRECT_PATH}?**", timeout=WAIT) as led_back:
        page.locator("#use-passkey").click()
    given = dict(parse_qsl(urlsplit(led_back.value.url).query))
    if set(given) != {"code", "state", "iss"}:
        msg = f"the page led back with {sorted(given)}"
        raise DrillFailedError(msg)
    if watch.violations:
        msg = f"the policy stopped {watch.violations}"
        raise DrillFailedError(msg)
    print("a passkey was added and signed the prescriber in; nothing stopped by a policy")


def _plug_in(browsing: BrowserContext, page: Page) -> None:
    """Give this page an authenticator whose owner is at hand."""
    debugger = browsing.new_cdp_session(page)
    debugger.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    debugger.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def _sign_in_page(address: str) -> str:
    asked = {
        "response_type": "code",
        "client_id": "docs",
        "redirect_uri": f"{address}{REDIRECT_PATH}",
        "state": "of-the-drill",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{address}/oauth/authorize?{urlencode(asked)}"
