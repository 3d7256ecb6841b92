// Runs before the first paint, so that a dark page never flashes light.
(function () {
  "use strict";
  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var chosen = null;

  function read() {
    try {
      return window.localStorage.getItem("accord-theme");
    } catch (refused) {
      return chosen; // storage is switched off: the choice lasts as long as the page
    }
  }

  function show() {
    root.setAttribute("data-bs-theme", read() || (dark.matches ? "dark" : "light"));
  }

  function toggle() {
    chosen = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
    try {
      window.localStorage.setItem("accord-theme", chosen);
    } catch (refused) {
      root.setAttribute("data-bs-theme", chosen);
    }
    show();
  };
  dark.addEventListener("change", show);
  show();
  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("[data-accord-theme-switch]").forEach(function (button) {
      button.hidden = false;
      button.addEventListener("click", toggle);
    });
  });
})();
