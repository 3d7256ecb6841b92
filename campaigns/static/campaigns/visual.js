// The visual editor: GrapesJS over MJML. What it would lose keeps it closed; what it gives is code.
(function () {
  "use strict";
  // Those of the plugin that neither fetch a picture from others nor hold what is lost.
  var BLOCKS = [
    "mj-1-column", "mj-2-columns", "mj-3-columns", "mj-text", "mj-button", "mj-image", "mj-divider",
    "mj-spacer", "mj-wrapper"
  ];

  // How often each tag stands in the mail, and its words with single blanks.
  function outline(mjml) {
    var counts = {};
    (mjml.toLowerCase().match(/<mj[a-z-]*/g) || []).forEach(function (tag) {
      counts[tag] = (counts[tag] || 0) + 1;
    });
    var holder = document.createElement("textarea");
    holder.innerHTML = mjml.replace(/<mj-style[\s\S]*?<\/mj-style>/gi, "").replace(/<[^>]*>/g, " ");
    return { counts: counts, words: holder.value.replace(/[\s\u00a0]+/g, " ").trim() };
  }

  function lost(before, after) {
    var given = outline(before);
    var got = outline(after);
    var tags = Object.keys(Object.assign({}, given.counts, got.counts)).filter(function (tag) {
      return given.counts[tag] !== got.counts[tag];
    });
    if (tags.length) return tags.map(function (tag) { return tag + ">"; }).join(" ");
    return given.words === got.words ? "" : difference(given.words, got.words);
  }

  // The first words that differ, with a few before them.
  function difference(before, after) {
    var at = 0;
    while (at < before.length && before[at] === after[at]) at += 1;
    var from = Math.max(0, at - 30);
    return "“" + before.slice(from, at + 60) + "” → “" + after.slice(from, at + 60) + "”";
  }

  function options() {
    return {
      container: "#visual-canvas",
      height: "100%",
      storageManager: false,
      telemetry: false,
      noticeOnUnload: false,
      cssIcons: "",
      panels: { defaults: [] },
      blockManager: { appendTo: "#visual-blocks" },
      traitManager: { appendTo: "#visual-traits" },
      styleManager: { appendTo: "#visual-styles" },
      layerManager: { appendTo: "#visual-layers" },
      assetManager: { upload: false, embedAsBase64: false, assets: [] },
      plugins: [window["grapesjs-mjml"].default || window["grapesjs-mjml"]],
      // The defaults of a mail are parts of it too: they are no buttons and texts to be seen.
      canvasCss: "[data-gjs-type=mj-attributes], [data-gjs-type=mj-head] { display: none !important; }",
      canvas: { styles: [], scripts: [] }
    };
  }

  function begin(form) {
    var area = form.querySelector("textarea");
    var box = document.querySelector("[data-visual-box]");
    var wait = document.querySelector("[data-visual-wait]");
    var save = document.querySelector("[data-visual-save]");
    var isDirty = false;
    box.hidden = false;
    var settings = options();
    var plugin = settings.plugins[0];
    settings.plugins = [function (editor) {
      plugin(editor, { blocks: BLOCKS, imagePlaceholderSrc: "/media/", useCustomTheme: false, fonts: {} });
    }];
    var editor = window.grapesjs.init(settings);

    editor.on("load", function () {
      editor.setComponents(area.value);
      var missing = lost(area.value, editor.getHtml());
      wait.hidden = true;
      if (missing) {
        document.querySelector("[data-visual-lost]").textContent = missing;
        document.querySelector("[data-visual-refused]").hidden = false;
        editor.destroy();
        box.remove();
        save.remove();
        return;
      }
      save.disabled = false;
      form.dataset.ready = "yes";
      editor.on("update", function () { isDirty = true; });
    });

    form.addEventListener("submit", function () {
      area.value = editor.getHtml();
      isDirty = false;
    });
    window.addEventListener("beforeunload", function (event) {
      if (isDirty) event.preventDefault();
    });
    box.addEventListener("click", function (event) { pressed(editor, box, event.target); });
  }

  function pressed(editor, box, target) {
    var device = target.closest("[data-visual-device]");
    if (device) {
      editor.setDevice(device.dataset.visualDevice);
      box.querySelectorAll("[data-visual-device]").forEach(function (each) {
        each.classList.toggle("active", each === device);
        each.setAttribute("aria-pressed", String(each === device));
      });
    }
    var run = target.closest("[data-visual-run]");
    if (!run) return;
    var command = run.dataset.visualRun;
    if (!run.hasAttribute("aria-pressed")) {
      editor.runCommand(command);
      return;
    }
    var isOn = editor.Commands.isActive(command);
    if (isOn) editor.stopCommand(command);
    else editor.runCommand(command);
    run.setAttribute("aria-pressed", String(!isOn));
  }

  document.addEventListener("DOMContentLoaded", function () {
    var form = document.querySelector("[data-visual]");
    if (form) begin(form);
  });
})();
