// Signing in with a passkey: asks for a challenge, lets the authenticator answer it, and sends the answer with the form.
// Without a browser that can do this the button stays hidden, and password and code work as ever.
"use strict";

const form = document.querySelector("form");
const button = document.getElementById("use-passkey");
const problem = document.getElementById("passkey-problem");

async function askAuthenticator() {
  const asked = await fetch("/v1/sign-ins/passkey-options", { method: "POST", cache: "no-store" });
  if (!asked.ok) throw new Error("no options");
  const { public_key: options } = await asked.json();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return navigator.credentials.get({ publicKey });
}

async function signIn(event) {
  if (form.elements.passkey.value) return; // the answer is there: let the form go
  event.preventDefault();
  problem.hidden = true;
  button.disabled = true;
  try {
    const answer = await askAuthenticator();
    form.elements.passkey.value = JSON.stringify(answer.toJSON());
    button.disabled = false;
    form.requestSubmit(button);
  } catch {
    problem.hidden = false;
    button.disabled = false;
  }
}

// A passkey belongs to a name: at an address of numbers no browser offers one.
const hasName = !/^[\d.]+$|^\[/.test(location.hostname);
if (hasName && window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON) {
  button.addEventListener("click", signIn);
  document.getElementById("passkey").hidden = false;
}
