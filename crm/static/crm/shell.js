// What every staff page does: the CSRF header, the progress bar, the toasts and the keyboard.
(function () {
  "use strict";
  var SECONDS_SHOWN = 8;
  var waiting = 0;

  function progress(change) {
    waiting = Math.max(0, waiting + change);
    document.getElementById("progress").hidden = waiting === 0;
  }

  function fade(toast) {
    // An error stays until it is read and closed.
    if (toast.dataset.accordToast === "error" || toast.dataset.accordToast === "warning") return;
    window.setTimeout(function () { toast.remove(); }, SECONDS_SHOWN * 1000);
  }

  function fadeAll(root) {
    root.querySelectorAll("[data-accord-toast]").forEach(fade);
  }

  function failed() {
    var template = document.getElementById("request-failed");
    document.getElementById("toasts").append(template.content.cloneNode(true));
  }

  document.addEventListener("htmx:configRequest", function (event) {
    var token = document.querySelector('meta[name="csrf-token"]').content;
    event.detail.headers["X-CSRFToken"] = token;
  });
  document.addEventListener("htmx:beforeRequest", function () { progress(1); });
  document.addEventListener("htmx:afterRequest", function () { progress(-1); });
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:oobAfterSwap", function (event) {
    if (event.detail.target.id === "toasts") fadeAll(document.getElementById("toasts"));
  });

  document.addEventListener("click", function (event) {
    var closer = event.target.closest('[data-bs-dismiss="toast"]');
    if (closer) closer.closest(".toast").remove();
    if (event.target.closest("[data-accord-print]")) window.print();
  });

  // Recovery codes are written to a file by the browser: the server keeps no copy to serve.
  function save(button) {
    var list = document.getElementById(button.dataset.accordSave);
    var lines = Array.from(list.children, function (item) { return item.textContent; });
    var address = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/plain" }));
    var link = document.createElement("a");
    link.href = address;
    link.download = button.dataset.accordFile;
    link.click();
    window.setTimeout(function () { URL.revokeObjectURL(address); });
  }

  function isTyping(element) {
    return element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
  }

  document.addEventListener("keydown", function (event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    var search = document.querySelector("[data-accord-search], input[type=search]");
    if (!search || isTyping(event.target)) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  // A form that was sent is not sent twice by a double click.
  document.addEventListener("submit", function (event) {
    if (event.defaultPrevented || event.target.hasAttribute("hx-post")) return;
    window.setTimeout(function () {
      event.target.querySelectorAll("button[type=submit]").forEach(function (button) {
        if (!event.target.hasAttribute("data-accord-download")) button.disabled = true;
      });
    });
  });
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    document.querySelectorAll("button[type=submit]:disabled").forEach(function (button) {
      button.disabled = false;
    });
  });

  document.addEventListener("DOMContentLoaded", function () {
    fadeAll(document);
    document.querySelectorAll("[data-accord-save]").forEach(function (button) {
      button.hidden = false;
      button.addEventListener("click", function () { save(button); });
    });
  });

  // The menu scrolls by itself: the entry of this page is in sight.
  var current = document.querySelector(".accord-sidebar .nav-link[aria-current]");
  if (current) current.scrollIntoView({ block: "nearest" });
})();
