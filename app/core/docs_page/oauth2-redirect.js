// Hands what the sign-in page answered to the docs page that opened this window, and closes it. Nothing is stored.
(() => {
  const issuer = document.currentScript.dataset.issuer;
  const answer = new URLSearchParams(location.search);
  const asked = window.opener && window.opener.swaggerUIRedirectOauth2;
  const fail = (message) => {
    document.getElementById("told").textContent = message;
    if (asked) asked.errCb({ authId: asked.auth.name, source: "auth", level: "error", message });
  };
  history.replaceState(null, "", location.pathname); // the code does not stay in the address

  if (!asked) return fail("This page belongs to a sign-in of the docs page. Open the docs page and begin there.");
  if (!answer.get("state") || answer.get("state") !== asked.state) {
    return fail("This is not the answer to what the docs page asked. Begin again.");
  }
  if (answer.get("iss") !== issuer) return fail("Somebody else than this server answered. Begin again.");
  if (!answer.get("code")) {
    fail(answer.get("error_description") || answer.get("error") || "Nobody signed in.");
    return window.close();
  }
  delete asked.auth.state;
  asked.auth.code = answer.get("code");
  asked.callback({ auth: asked.auth, redirectUrl: asked.redirectUrl });
  window.close();
})();
