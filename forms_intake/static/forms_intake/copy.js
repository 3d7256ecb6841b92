// "Copy" beside a piece of HTML. Without a clipboard the text is selected instead.
(function () {
  "use strict";
  document.querySelectorAll("[data-forms-copy]").forEach(function (button) {
    var area = document.getElementById(button.dataset.formsCopy);
    var label = button.querySelector("span");
    button.hidden = false;
    button.addEventListener("click", function () {
      area.focus();
      area.select();
      if (!navigator.clipboard) return;
      navigator.clipboard.writeText(area.value).then(function () {
        label.textContent = button.dataset.formsCopied;
      });
    });
  });
})();
