// The inbox by keyboard: j and k go through the leads, the other keys act on the one in hand.
(function () {
  "use strict";
  var STATES = { 1: "new", 2: "in_progress", 3: "answered", 4: "closed" };
  var held = null;
  var ticked = {};

  function rows() {
    return Array.from(document.querySelectorAll("[data-lead]"));
  }

  function current() {
    var row = document.activeElement && document.activeElement.closest("[data-lead]");
    return row || (held && document.getElementById(held));
  }

  function hold(row) {
    if (!row) return;
    held = row.id;
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    var all = rows();
    var at = all.indexOf(current());
    hold(at < 0 ? all[0] : all[Math.min(all.length - 1, Math.max(0, at + step))]);
  }

  function setState(row, state) {
    var select = row.querySelector("[data-lead-state]");
    if (!select || select.value === state) return;
    select.value = state;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function press(row, name) {
    var button = row.querySelector(name);
    if (button) button.click();
  }

  function isTyping(element) {
    return element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    var isTick = event.target.hasAttribute && event.target.hasAttribute("data-lead-tick");
    if (isTyping(event.target) && !isTick) return;
    if (event.key === "j" || event.key === "k") {
      event.preventDefault();
      move(event.key === "j" ? 1 : -1);
      return;
    }
    var row = current();
    if (!row) return;
    if (event.key === "Enter" && event.target === row) press(row, "[data-lead-open]");
    else if (event.key === "a") press(row, "[data-lead-take]");
    else if (event.key === "x") press(row, "[data-lead-tick]");
    else if (STATES[event.key]) setState(row, STATES[event.key]);
    else return;
    event.preventDefault();
  });

  document.addEventListener("change", function (event) {
    if (event.target.hasAttribute("data-lead-tick")) ticked[event.target.value] = event.target.checked;
  });

  // The answer of the server is a new row: its tick and the keyboard stay on it.
  document.addEventListener("htmx:afterSettle", function () {
    document.querySelectorAll("[data-lead-tick]").forEach(function (box) {
      if (box.value in ticked) box.checked = ticked[box.value];
    });
    var row = held && document.getElementById(held);
    if (row && !isTyping(document.activeElement)) row.focus();
  });
})();
