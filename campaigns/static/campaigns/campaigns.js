// The editor of mails and the live numbers of a campaign. Every page works without this file.
(function () {
  "use strict";
  var PAUSE_MS = 600; // after the last key, before anybody is asked
  var IDLE_MS = 20 * 60 * 1000;

  // --- Asking in silence ---------------------------------------------------------------------
  // A question every two seconds neither moves the progress bar nor piles up error messages. It
  // rests while nobody looks, so that an open page does not keep a session alive.
  var lastSign = Date.now();
  ["pointermove", "keydown", "scroll", "visibilitychange"].forEach(function (name) {
    document.addEventListener(name, function () { lastSign = Date.now(); }, { passive: true });
  });

  function quietElement(event) {
    var config = event.detail && event.detail.requestConfig;
    var element = (config && config.elt) || event.target;
    return element.closest ? element.closest("[data-campaigns-quiet]") : null;
  }
  ["beforeRequest", "afterRequest", "responseError", "sendError"].forEach(function (name) {
    document.addEventListener("htmx:" + name, function (event) {
      var element = quietElement(event);
      if (!element) return;
      event.stopPropagation();
      var isPoll = element.dataset.campaignsQuiet === "poll";
      var isResting = document.hidden || Date.now() - lastSign > IDLE_MS;
      if (name === "beforeRequest" && isPoll && isResting) event.preventDefault();
    }, true);
  });

  // --- The editor ----------------------------------------------------------------------------
  function Editor(form) {
    this.form = form;
    this.code = form.querySelector("[data-campaigns-code]");
    this.findings = document.getElementById("findings");
    this.refreshButton = form.querySelector("[data-campaigns-refresh]");
    this.frameBox = form.querySelector("[data-campaigns-frame]");
    this.isDirty = form.querySelector(".alert") !== null;
    this.lastField = this.code;
    this.timer = null;
    if (this.code) this.numberLines();
    this.listen();
    if (this.code) {
      this.mark();
      this.jumpToHash();
    }
    var isWritten = !this.code || this.code.value.trim();
    if (!this.frameBox.querySelector("iframe[src]") && isWritten) this.refresh();
  }

  Editor.prototype.numberLines = function () {
    this.gutter = document.createElement("div");
    this.gutter.className = "campaigns-gutter";
    this.gutter.setAttribute("aria-hidden", "true");
    this.code.before(this.gutter);
    this.code.parentElement.classList.add("campaigns-numbered");
    this.count();
  };

  Editor.prototype.count = function () {
    var wanted = this.code.value.split("\n").length;
    while (this.gutter.childElementCount > wanted) this.gutter.lastElementChild.remove();
    for (var number = this.gutter.childElementCount + 1; number <= wanted; number += 1) {
      var line = document.createElement("span");
      line.textContent = String(number);
      this.gutter.append(line);
    }
    this.gutter.scrollTop = this.code.scrollTop;
  };

  Editor.prototype.mark = function () {
    var lines = this.gutter.children;
    Array.from(lines).forEach(function (line) { line.classList.remove("campaigns-marked"); });
    this.findings.querySelectorAll("[data-campaigns-line]").forEach(function (link) {
      var line = lines[Number(link.dataset.campaignsLine) - 1];
      if (line) line.classList.add("campaigns-marked");
    });
  };

  Editor.prototype.jump = function (line, column) {
    var lines = this.code.value.split("\n");
    var at = Math.min(Math.max(line, 1), lines.length);
    var start = lines.slice(0, at - 1).join("\n").length + (at > 1 ? 1 : 0);
    var from = start + Math.min(Math.max(column - 1, 0), lines[at - 1].length);
    this.code.focus();
    this.code.setSelectionRange(from, start + lines[at - 1].length);
    var height = parseFloat(window.getComputedStyle(this.code).lineHeight);
    this.code.scrollTop = Math.max(0, (at - 1) * height - this.code.clientHeight / 3);
    this.code.scrollLeft = 0;
    this.code.scrollIntoView({ block: "nearest" });
  };

  Editor.prototype.jumpToHash = function () {
    var place = /^#L(\d+)C(\d+)$/.exec(window.location.hash);
    if (place) this.jump(Number(place[1]), Number(place[2]));
  };

  Editor.prototype.insert = function (text) {
    if (!this.lastField || !this.lastField.isConnected) return;
    this.lastField.focus();
    // execCommand keeps the browser's own undo; where it is gone, the text is put in directly.
    if (!document.execCommand("insertText", false, text)) {
      var field = this.lastField;
      field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  };

  // A fresh frame with a name of its own for each look: the old mail stays until the new one is
  // there, and the browser's way back does not lead through every look.
  Editor.prototype.refresh = function (chosen) {
    var form = this.form;
    var button = chosen || this.refreshButton;
    this.showWhom(Boolean(chosen));
    this.frameBox.querySelectorAll("iframe[data-coming]").forEach(function (frame) {
      frame.remove();
    });
    var old = this.frameBox.querySelector("iframe");
    var fresh = old.cloneNode(false);
    this.looks = (this.looks || 0) + 1;
    fresh.removeAttribute("src");
    fresh.name = "mail-preview-" + this.looks;
    fresh.setAttribute("data-coming", "");
    this.frameBox.append(fresh);
    // A frame begins empty, and says so: what it says from the next picture on is the mail.
    window.requestAnimationFrame(function () {
      if (!fresh.isConnected) return;
      fresh.addEventListener("load", function () {
        fresh.removeAttribute("data-coming");
        old.remove();
      }, { once: true });
      button.formTarget = fresh.name;
      form.requestSubmit(button);
    });
  };

  Editor.prototype.showWhom = function (isPerson) {
    var note = this.form.querySelector("[data-campaigns-filled]");
    if (note) note.textContent = isPerson ? note.dataset.person : note.dataset.sample;
  };

  Editor.prototype.look = function () {
    this.form.dispatchEvent(new CustomEvent("campaigns-changed"));
    this.refresh();
  };

  Editor.prototype.changed = function (field) {
    this.isDirty = true;
    var note = this.form.querySelector("[data-campaigns-unsaved]");
    if (note) {
      note.textContent = note.dataset.unsaved;
      note.hidden = false;
    }
    var isOfTheMail = !field || /^(mjml|subject|preheader|language|b\d+\..*|look\..*)$/.test(field.name);
    if (!isOfTheMail) return;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(this.look.bind(this), PAUSE_MS);
  };

  Editor.prototype.submitted = function (event) {
    var submitter = event.submitter;
    if (submitter && submitter.hasAttribute("formtarget")) return;
    this.isDirty = false;
    var form = this.form;
    // After this turn, so that the pressed button is still part of what is sent.
    window.setTimeout(function () {
      form.querySelectorAll("button[name=then], .campaigns-bar button").forEach(function (button) {
        button.disabled = true;
      });
    });
  };

  Editor.prototype.listen = function () {
    var editor = this;
    if (this.code) {
      this.code.addEventListener("scroll", function () {
        editor.gutter.scrollTop = editor.code.scrollTop;
      });
      this.code.addEventListener("input", function () { editor.count(); });
    }
    // What changes without being typed: blocks that were moved, added or deleted.
    this.form.addEventListener("campaigns-edited", function () { editor.changed(null); });
    this.form.addEventListener("campaigns-saved", function () { editor.isDirty = false; });
    this.form.addEventListener("input", function (event) {
      if (event.target.name !== "view") editor.changed(event.target);
    });
    this.form.addEventListener("change", function (event) {
      if (event.target.name === "view") editor.refresh();
    });
    this.form.addEventListener("focusin", function (event) {
      var isText = event.target.matches("input[type=text], textarea, [contenteditable]");
      var isAddress = /^(sender_|reply_to|name$)/.test(event.target.name || "");
      if (isText && !isAddress) editor.lastField = event.target;
    });
    this.form.addEventListener("submit", function (event) { editor.submitted(event); });
    this.form.addEventListener("click", function (event) { editor.clicked(event); });
    this.findings.addEventListener("htmx:afterSwap", function () {
      if (editor.code) editor.mark();
    });
    document.addEventListener("keydown", function (event) {
      if (event.key !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      event.preventDefault();
      editor.form.requestSubmit(editor.form.querySelector(".campaigns-bar button"));
    });
    window.addEventListener("beforeunload", function (event) {
      if (editor.isDirty) event.preventDefault();
    });
    this.form.querySelectorAll("[data-campaigns-insert]").forEach(function (button) {
      button.hidden = false;
    });
  };

  Editor.prototype.clicked = function (event) {
    var link = event.target.closest("[data-campaigns-line]");
    if (link) {
      event.preventDefault();
      this.jump(Number(link.dataset.campaignsLine), Number(link.dataset.campaignsColumn));
    }
    var button = event.target.closest("[data-campaigns-insert]");
    if (button) this.insert(button.dataset.campaignsInsert);
    var person = event.target.closest("[data-campaigns-person]");
    if (person && !event.defaultPrevented) {
      event.preventDefault();
      this.refresh(person);
    }
  };

  document.addEventListener("DOMContentLoaded", function () {
    var form = document.querySelector("[data-campaigns-editor]");
    if (form) new Editor(form);
  });
})();
