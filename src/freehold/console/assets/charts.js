// Draws the charts of a page from its own tables: what a chart shows, a table says. Without this script the tables are
// there, and the places of the charts are not.
"use strict";

const HEIGHT = 190; // pixels
const SECONDS = 1000;
const DAY = 86400; // seconds

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function short(number) {
  const size = Math.abs(number);
  if (size >= 1e6) return `${+(number / 1e6).toFixed(1)} M`;
  return size >= 1e3 ? `${+(number / 1e3).toFixed(1)} k` : `${+number.toFixed(size < 1 ? 4 : 2)}`;
}

function told(figure, number) {
  if (number == null) return "–";
  return figure.dataset.unit === "usd" ? `$${number.toFixed(number < 1 ? 4 : 2)}` : short(number);
}

// Beside an axis all have the same number of digits.
function marked(figure, number, largest) {
  if (figure.dataset.unit === "usd") return `$${number.toFixed(largest < 0.1 ? 4 : 2)}`;
  return Number.isInteger(number) ? short(number) : "";
}

// One column of the table a series; a later one is drawn before those above which it is stacked.
function read(figure) {
  const rows = [...document.querySelectorAll(`#${figure.dataset.chart} tbody tr`)];
  const names = figure.dataset.series.split(" ");
  const days = rows.map((row) => Date.parse(`${row.dataset.day}T00:00:00Z`) / SECONDS);
  const value = (row, name) => Number(row.querySelector(`[data-series="${name}"]`).dataset.value);
  return { names, days, values: names.map((name) => rows.map((row) => value(row, name))) };
}

function stacked(values) {
  const sums = values.map((series) => [...series]);
  for (let place = sums.length - 2; place >= 0; place -= 1) {
    sums[place] = sums[place].map((number, day) => number + sums[place + 1][day]);
  }
  return sums;
}

function draw(figure) {
  const { names, days, values } = read(figure);
  const labels = figure.dataset.labels.split("|");
  const colours = figure.dataset.colours.split(" ");
  const shown = figure.hasAttribute("data-stacked") ? stacked(values) : values;
  const line = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  const options = {
    width: figure.clientWidth,
    height: HEIGHT,
    tzDate: (second) => uPlot.tzDate(new Date(second * SECONDS), "Etc/UTC"),
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { live: true },
    scales: {
      x: { time: true, range: () => [Math.min(...days) - DAY / 2, Math.max(...days) + DAY / 2] },
      y: { range: (_chart, _least, most) => [0, most > 0 ? most * 1.05 : 1] },
    },
    axes: [
      { ...line, grid: { show: false }, size: 32, values: "{YYYY}-{MM}-{DD}", space: 90, incrs: [1, 2, 7, 14, 28].map((days) => days * DAY) },
      { ...line, size: 60, values: (_chart, ticks) => ticks.map((tick) => marked(figure, tick, ticks.at(-1))) },
    ],
    series: [
      { label: "Day", value: "{YYYY}-{MM}-{DD}" },
      ...names.map((name, place) => ({
        label: labels[place],
        fill: colour(colours[place]),
        stroke: colour(colours[place]),
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars({ size: [0.7, 40], align: 0 }),
        value: (_chart, _shown, _series, day) => (day == null ? "–" : told(figure, values[place][day])),
      })),
    ],
  };
  figure.querySelector(".uplot")?.remove();
  return new uPlot(options, [days, ...shown], figure);
}

document.addEventListener("DOMContentLoaded", () => {
  const figures = [...document.querySelectorAll("figure[data-chart]")];
  for (const figure of figures) {
    figure.hidden = false;
    let chart = draw(figure);
    new ResizeObserver(() => chart.setSize({ width: figure.clientWidth, height: HEIGHT })).observe(figure);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { chart = draw(figure); });
  }
  // The charts are there: the numbers need not fill the page at first.
  for (const table of document.querySelectorAll("details[data-charted]")) table.open = figures.length === 0;
});
