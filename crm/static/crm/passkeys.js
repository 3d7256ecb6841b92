// A passkey is shown or made: the server's question goes to the browser, its answer goes back.
// Spoken as WebAuthn level 3 writes it: JSON in which every buffer is base64url.
const toBytes = (text) => {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
};

const toText = (buffer) => {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
};

const known = (list) => (list || []).map((each) => ({ ...each, id: toBytes(each.id) }));

const ceremonies = {
  get: (question) => navigator.credentials.get({
    publicKey: {
      ...question,
      challenge: toBytes(question.challenge),
      allowCredentials: known(question.allowCredentials),
    },
  }),
  create: (question) => navigator.credentials.create({
    publicKey: {
      ...question,
      challenge: toBytes(question.challenge),
      user: { ...question.user, id: toBytes(question.user.id) },
      excludeCredentials: known(question.excludeCredentials),
    },
  }),
};

function answerOf(credential) {
  const response = { clientDataJSON: toText(credential.response.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = toText(credential.response[part]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  };
}

async function send(form, address, body) {
  const token = form.elements.csrfmiddlewaretoken.value;
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  const answer = await fetch(address, {
    method: "POST", headers, body: JSON.stringify(body), redirect: "error",
  });
  const content = await answer.json();
  if (!answer.ok) throw new Refused(content.detail);
  return content;
}

class Refused extends Error {}

async function run(form) {
  const question = await send(form, form.dataset.begin, {});
  const credential = await ceremonies[form.dataset.accordPasskey](question);
  const answer = answerOf(credential);
  if (form.elements.name) answer.name = form.elements.name.value;
  const done = await send(form, form.action, answer);
  window.location.assign(done.url);
}

function explain(form, error) {
  const place = form.querySelector("[data-passkey-error]");
  if (error instanceof Refused && error.message) place.textContent = error.message;
  else if (error instanceof DOMException) place.textContent = form.dataset.cancelled;
  else place.textContent = form.dataset.failed;
  place.hidden = false;
}

document.querySelectorAll("form[data-accord-passkey]").forEach((form) => {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    const place = form.querySelector("[data-passkey-error]");
    if (!window.PublicKeyCredential) {
      place.textContent = form.dataset.unsupported;
      place.hidden = false;
      return;
    }
    place.hidden = true;
    button.disabled = true;
    run(form).catch((error) => explain(form, error)).finally(() => { button.disabled = false; });
  });
});
