// Draws the tables of figures that ask for it. The table says the same, and stays.
(function () {
  "use strict";
  var INKS = ["--campaigns-sent", "--campaigns-skipped", "--campaigns-bounced", "--campaigns-unknown", "--campaigns-failed"];

  function ink(name) {
    return window.getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function column(table, number) {
    return Array.from(table.tBodies[0].rows).map(function (row) {
      var value = row.cells[number].dataset.value;
      return value === "" ? null : Number(value);
    });
  }

  function draw(box) {
    var table = document.getElementById(box.dataset.resultsChart);
    if (!table || box.querySelector("canvas")) return;
    var heads = Array.from(table.tHead.rows[0].cells).map(function (cell) {
      return cell.textContent.trim();
    });
    var unit = box.dataset.resultsUnit || "";
    var scale = unit === "%" ? 10 : 1; // shares are given in thousandths
    var canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true");
    box.append(canvas);
    var text = ink("--tblr-secondary") || "#6b7a78";
    new window.Chart(canvas, {
      type: box.dataset.resultsKind,
      data: {
        labels: Array.from(table.tBodies[0].rows).map(function (row) {
          return row.cells[0].textContent.trim();
        }),
        datasets: heads.slice(1).map(function (head, at) {
          var colour = ink(INKS[at % INKS.length]);
          return {
            label: head,
            data: column(table, at + 1).map(function (value) {
              return value === null ? null : value / scale;
            }),
            borderColor: colour, backgroundColor: colour, borderWidth: 2, tension: 0,
            pointRadius: 3, spanGaps: true, maxBarThickness: 28
          };
        })
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        plugins: { legend: { position: "bottom", labels: { color: text, boxWidth: 12 } } },
        scales: {
          x: { ticks: { color: text }, grid: { display: false } },
          y: {
            beginAtZero: true,
            ticks: {
              color: text,
              callback: function (value) { return unit ? value + " " + unit : value; },
              precision: unit ? undefined : 0
            }
          }
        }
      }
    });
  }

  function drawAll() {
    document.querySelectorAll("[data-results-chart]").forEach(draw);
  }
  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("htmx:afterSettle", drawAll);
})();
