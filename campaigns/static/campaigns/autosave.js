// Saves a draft a few seconds after the last change, and says so. Saving by hand works without it.
(function () {
  "use strict";
  var PAUSE_MS = 3000;
  var AGAIN_MS = 15000;

  function Autosave(form) {
    this.form = form;
    this.note = form.querySelector("[data-campaigns-unsaved]");
    this.timer = null;
    this.running = null;
    this.changes = 0;
    this.isStopped = form.querySelector(".alert") !== null;
    this.listen();
  }

  Autosave.prototype.listen = function () {
    var autosave = this;
    function changed(event) {
      if (event.target.name === "view" || event.target.form === null) return;
      autosave.changes += 1;
      autosave.wait(PAUSE_MS);
    }
    this.form.addEventListener("input", changed);
    this.form.addEventListener("change", changed);
    this.form.addEventListener("campaigns-edited", changed);
    // Who saves by hand while the page saves by itself would seem to be two people.
    this.form.addEventListener("submit", function (event) {
      if (event.submitter && event.submitter.hasAttribute("formtarget")) return;
      window.clearTimeout(autosave.timer);
      if (!autosave.running) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      autosave.running.then(function () { autosave.form.requestSubmit(event.submitter); });
    }, true);
  };

  Autosave.prototype.wait = function (milliseconds) {
    window.clearTimeout(this.timer);
    if (!this.isStopped) this.timer = window.setTimeout(this.save.bind(this), milliseconds);
  };

  Autosave.prototype.say = function (text) {
    this.note.textContent = text;
    this.note.hidden = false;
  };

  Autosave.prototype.save = function () {
    if (this.running) {
      this.wait(PAUSE_MS);
      return;
    }
    var autosave = this;
    var changes = this.changes;
    this.say(this.form.dataset.saving);
    this.running = window.fetch(this.form.dataset.autosave, {
      method: "POST",
      body: new FormData(this.form),
      headers: { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content },
      redirect: "manual"
    }).then(function (answer) {
      if (answer.type === "opaqueredirect") return { text: autosave.form.dataset.signedOut, stop: true };
      if (answer.status >= 500 || answer.status === 403) throw new Error("not saved");
      return answer.json().then(function (said) {
        return { text: said.text, seen: said.seen, stop: answer.status === 409 };
      });
    }).then(function (said) {
      autosave.say(said.text);
      autosave.isStopped = Boolean(said.stop);
      if (!said.seen) return;
      autosave.form.elements.seen.value = said.seen;
      if (changes === autosave.changes) autosave.form.dispatchEvent(new CustomEvent("campaigns-saved"));
    }).catch(function () {
      autosave.say(autosave.form.dataset.unreachable);
      autosave.wait(AGAIN_MS);
    }).finally(function () { autosave.running = null; });
  };

  document.addEventListener("DOMContentLoaded", function () {
    var form = document.querySelector("[data-campaigns-editor][data-autosave]");
    if (form) new Autosave(form);
  });
})();
