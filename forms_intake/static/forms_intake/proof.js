// The ALTCHA proof of work (version 1) of a form that asks for it: our own server, no third party.
(function () {
  "use strict";
  var AT_ONCE = 256;
  var encoder = new TextEncoder();
  var form = document.querySelector("form[data-altcha]");
  if (!form) return;
  var challenge = JSON.parse(form.dataset.altcha);
  var field = form.querySelector('input[name="altcha"]');
  var status = form.querySelector("[data-altcha-status]");
  var isWaited = false;

  function hex(buffer) {
    return Array.from(new Uint8Array(buffer), function (byte) {
      return byte.toString(16).padStart(2, "0");
    }).join("");
  }

  async function digest(number) {
    return hex(await crypto.subtle.digest("SHA-256", encoder.encode(challenge.salt + number)));
  }

  async function solve() {
    for (var start = 0; start <= challenge.maxnumber; start += AT_ONCE) {
      var numbers = Array.from({ length: AT_ONCE }, function (_, index) { return start + index; });
      var found = (await Promise.all(numbers.map(digest))).indexOf(challenge.challenge);
      if (found >= 0) return start + found;
    }
    throw new Error("no solution");
  }

  function finished(number) {
    field.value = btoa(JSON.stringify({
      algorithm: challenge.algorithm,
      challenge: challenge.challenge,
      number: number,
      salt: challenge.salt,
      signature: challenge.signature
    }));
    status.textContent = status.dataset.done;
    if (isWaited) form.requestSubmit();
  }

  form.addEventListener("submit", function (event) {
    if (field.value) return;
    event.preventDefault();
    isWaited = true;
    status.textContent = status.dataset.working;
  });

  solve().then(finished, function () { status.textContent = status.dataset.failed; });
})();
