// Mails written as blocks: rich text, dragging, and the focus after each act. The acts themselves are
// the server's, and every button works without this file.
(function () {
  "use strict";

  function edited(element) {
    element.closest("form").dispatchEvent(new CustomEvent("campaigns-edited"));
  }

  // --- Rich text -----------------------------------------------------------------------------
  // The text area holds the words and is what is sent; the server cleans them. What is pasted
  // comes in as plain text.
  function Rich(box) {
    this.area = box.querySelector("textarea");
    this.text = box.querySelector(".campaigns-rich-text");
    this.bar = box.querySelector(".campaigns-rich-bar");
    this.linkBox = box.querySelector(".campaigns-rich-link");
    this.range = null;
    this.text.hidden = false;
    this.bar.hidden = false;
    this.area.hidden = true;
    this.listen();
  }

  Rich.prototype.listen = function () {
    var rich = this;
    this.text.addEventListener("focus", function () {
      document.execCommand("defaultParagraphSeparator", false, "p");
      document.execCommand("styleWithCSS", false, false);
      rich.restore();
    });
    this.text.addEventListener("input", function () { rich.write(); });
    this.text.addEventListener("blur", function () { rich.remember(); });
    this.text.addEventListener("keyup", function () { rich.remember(); rich.show(); });
    this.text.addEventListener("mouseup", function () { rich.remember(); rich.show(); });
    this.text.addEventListener("paste", function (event) {
      event.preventDefault();
      document.execCommand("insertText", false, event.clipboardData.getData("text/plain"));
    });
    this.text.addEventListener("drop", function (event) { event.preventDefault(); });
    this.bar.addEventListener("mousedown", function (event) {
      if (event.target.closest("button")) event.preventDefault();
    });
    this.bar.addEventListener("click", function (event) {
      var button = event.target.closest("[data-rich]");
      if (button) rich.act(button.dataset.rich);
    });
    this.bar.addEventListener("keydown", function (event) { rich.key(event); });
    var label = document.getElementById(this.area.id + "-label");
    if (label) label.addEventListener("click", function () { rich.text.focus(); });
  };

  Rich.prototype.key = function (event) {
    var isInLink = this.linkBox.contains(event.target);
    if (event.key === "Enter" && event.target.tagName === "INPUT") {
      event.preventDefault();
      this.act("link-done");
    }
    if (event.key === "Escape" && isInLink) {
      this.openLink(false);
      this.text.focus();
    }
    if (isInLink || (event.key !== "ArrowRight" && event.key !== "ArrowLeft")) return;
    var buttons = Array.from(this.bar.querySelectorAll(":scope > button"));
    var at = buttons.indexOf(event.target) + (event.key === "ArrowRight" ? 1 : -1);
    if (buttons[at]) buttons[at].focus();
  };

  Rich.prototype.remember = function () {
    var selection = window.getSelection();
    if (!selection.rangeCount) return;
    var range = selection.getRangeAt(0);
    if (this.text.contains(range.commonAncestorContainer)) this.range = range.cloneRange();
  };

  Rich.prototype.restore = function () {
    if (!this.range || !this.text.contains(this.range.commonAncestorContainer)) return;
    var selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(this.range);
  };

  Rich.prototype.write = function () {
    this.area.value = this.text.innerHTML;
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
  };

  Rich.prototype.show = function () {
    this.bar.querySelectorAll("[data-rich=bold], [data-rich=italic], [data-rich=underline]").forEach(
      function (button) {
        button.setAttribute("aria-pressed", String(document.queryCommandState(button.dataset.rich)));
      }
    );
  };

  Rich.prototype.openLink = function (isOpen) {
    this.linkBox.hidden = !isOpen;
    this.bar.querySelector("[data-rich=link]").setAttribute("aria-expanded", String(isOpen));
  };

  Rich.prototype.act = function (name) {
    if (name === "link") {
      this.remember();
      this.openLink(this.linkBox.hidden);
      if (!this.linkBox.hidden) this.linkBox.querySelector("input").focus();
      return;
    }
    if (name === "link-done") {
      this.link(this.linkBox.querySelector("input").value.trim());
      return;
    }
    this.text.focus();
    document.execCommand(name, false);
    this.remember();
    this.show();
  };

  Rich.prototype.link = function (address) {
    this.openLink(false);
    this.text.focus();
    this.restore();
    if (!address) return;
    // Where no words are chosen, the address stands for them.
    if (window.getSelection().isCollapsed) document.execCommand("insertText", false, address);
    if (window.getSelection().isCollapsed) {
      var selection = window.getSelection();
      for (var step = 0; step < address.length; step += 1) selection.modify("extend", "backward", "character");
    }
    document.execCommand("createLink", false, address);
  };

  // --- Pictures ------------------------------------------------------------------------------
  // What is chosen fills in two fields, which can be typed into as well: where the picture is, and
  // what it shows.
  function fill(field, text) {
    if (!field) return;
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function chosen(button) {
    var box = button.closest(".campaigns-shape-picture");
    var field = box.querySelector("input");
    fill(field, button.dataset.campaignsPicture);
    fill(document.getElementById(field.id.replace(/-src$/, "-alt")), button.dataset.alt);
    closeChoice(box);
  }

  function closeChoice(box) {
    box.querySelector(".campaigns-choices").replaceChildren();
    box.querySelector("[data-campaigns-choose]").focus();
  }

  document.addEventListener("click", function (event) {
    var picture = event.target.closest("[data-campaigns-picture]");
    if (picture) chosen(picture);
    var closer = event.target.closest("[data-campaigns-choice-close]");
    if (closer) closeChoice(closer.closest(".campaigns-shape-picture"));
  });
  document.addEventListener("keydown", function (event) {
    var choices = event.key === "Escape" ? event.target.closest(".campaigns-choices") : null;
    if (choices) closeChoice(choices.closest(".campaigns-shape-picture"));
  });
  document.addEventListener("htmx:afterSettle", function (event) {
    if (!event.target.matches(".campaigns-choices")) return;
    var first = event.target.querySelector("button");
    if (first) first.focus();
  });

  // --- Dragging ------------------------------------------------------------------------------
  var dragged = null;

  function over(event) {
    var block = event.target.closest ? event.target.closest(".campaigns-block") : null;
    clear();
    if (!dragged || !block) return;
    event.preventDefault();
    var box = block.getBoundingClientRect();
    var isAfter = event.clientY > box.top + box.height / 2;
    block.classList.add(isAfter ? "campaigns-drop-after" : "campaigns-drop-before");
  }

  function clear() {
    document.querySelectorAll(".campaigns-drop-after, .campaigns-drop-before").forEach(function (each) {
      each.classList.remove("campaigns-drop-after", "campaigns-drop-before");
    });
  }

  function dropped(event) {
    var block = event.target.closest ? event.target.closest(".campaigns-block") : null;
    var moved = dragged;
    if (!moved || !block) return;
    event.preventDefault();
    var isAfter = block.classList.contains("campaigns-drop-after");
    clear();
    if (block !== moved) {
      if (isAfter) block.after(moved);
      else block.before(moved);
      // The server numbers them anew, in the order in which they now stand.
      moved.closest("#blocks").querySelector("[data-campaigns-renumber]").click();
    }
  }

  document.addEventListener("dragstart", function (event) {
    var grip = event.target.closest ? event.target.closest(".campaigns-grip") : null;
    if (!grip) return;
    dragged = grip.closest(".campaigns-block");
    dragged.classList.add("campaigns-dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    event.dataTransfer.setDragImage(dragged, 10, 10);
  });
  document.addEventListener("dragover", over);
  document.addEventListener("drop", dropped);
  document.addEventListener("dragend", function () {
    if (dragged) dragged.classList.remove("campaigns-dragged");
    dragged = null;
    clear();
  });

  // --- A list of blocks, each time it comes ----------------------------------------------------
  function begin(blocks) {
    blocks.querySelectorAll("[data-campaigns-rich]").forEach(function (box) { new Rich(box); });
    blocks.querySelectorAll(".campaigns-grip, [data-campaigns-choose]").forEach(function (each) {
      each.hidden = false;
    });
    var wanted = blocks.dataset.focus;
    if (!wanted) return;
    var element = document.getElementById(wanted);
    var rich = document.getElementById(wanted + "-rich");
    if (rich || element) (rich || element).focus();
  }

  function openBlock(identity) {
    var block = document.getElementById("block-" + identity);
    if (!block) return;
    var details = block.querySelector("details");
    details.open = true;
    details.querySelector("summary").focus();
    block.scrollIntoView({ block: "nearest" });
  }

  // Which blocks are open goes with the form, so that they stay so after an act.
  document.addEventListener("toggle", function (event) {
    var block = event.target.closest ? event.target.closest(".campaigns-block") : null;
    if (!block || !event.target.matches(".campaigns-block-fields")) return;
    block.querySelector("input[name=open]").disabled = !event.target.open;
  }, true);

  document.addEventListener("htmx:afterSettle", function () {
    var blocks = document.getElementById("blocks");
    if (!blocks || blocks.dataset.begun) return;
    blocks.dataset.begun = "yes";
    begin(blocks);
    edited(blocks);
  });

  document.addEventListener("click", function (event) {
    var link = event.target.closest("[data-campaigns-to-block]");
    if (link) {
      event.preventDefault();
      openBlock(link.dataset.campaignsToBlock);
    }
    document.querySelectorAll(".campaigns-insert[open]").forEach(function (each) {
      if (!each.contains(event.target)) each.open = false;
    });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    var list = event.target.closest(".campaigns-insert[open], .campaigns-fields[open]");
    if (!list) return;
    list.open = false;
    list.querySelector("summary").focus();
  });

  document.addEventListener("DOMContentLoaded", function () {
    var blocks = document.getElementById("blocks");
    if (!blocks) return;
    blocks.dataset.begun = "yes";
    begin(blocks);
  });
})();
