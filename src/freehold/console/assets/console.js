// A page renews itself when the project says that something has changed. Without this script it is as it was when it
// was loaded, and every form works.
"use strict";

const LEAST_MS = 700; // between two renewals, however often something changes
const PATIENCE_MS = 4000; // before a lost connection is said to be lost

const live = () => document.getElementById("live");
let renewedAt = 0;
let coming = 0;

function renew() {
  if (coming || !live()) return;
  const wait = Math.max(0, renewedAt + LEAST_MS - Date.now());
  coming = setTimeout(() => {
    coming = 0;
    renewedAt = Date.now();
    if (live()) htmx.trigger(live(), "renew");
  }, wait);
}

function follow(address, kinds, concerns) {
  const source = new EventSource(address);
  let lost = 0;
  source.onopen = () => {
    clearTimeout(lost);
    document.getElementById("lost").hidden = true;
    renew(); // for what happened since the page was made, or since the connection was lost
  };
  source.onerror = () => {
    clearTimeout(lost);
    lost = setTimeout(() => { document.getElementById("lost").hidden = false; }, PATIENCE_MS);
  };
  for (const kind of kinds) {
    source.addEventListener(kind, (event) => { if (concerns(event)) renew(); });
  }
  addEventListener("pagehide", () => source.close());
  return source;
}

// Whoever reads the end of a chat goes on reading its end.
let following = false;
const atEnd = () => innerHeight + scrollY >= document.documentElement.scrollHeight - 160;
document.addEventListener("htmx:before:swap", () => { following = live()?.dataset.chat !== undefined && atEnd(); });
document.addEventListener("htmx:after:settle", () => { if (following) scrollTo(0, document.documentElement.scrollHeight); });

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("form[data-send]");
  if (!form || event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  form.requestSubmit();
});

document.addEventListener("DOMContentLoaded", () => {
  const page = live();
  if (!page) return;
  const run = page.dataset.renewRun;
  if (run) {
    follow("/api/v1/events", ["run", "reset"], (event) => event.type === "reset" || JSON.parse(event.data).name === run);
    if (page.dataset.renewFrom) followRun(run, page.dataset.renewFrom);
  } else if (page.dataset.renew) {
    follow("/api/v1/events", [...page.dataset.renew.split(" "), "reset"], () => true);
  }
});

// What the run itself says, from where the page was made.
function followRun(run, after) {
  const kinds = [
    "message", "thought", "tool.started", "tool.finished", "hook.output", "return", "log", "lock", "call", "status",
    "egress", "limit", "permission.asked", "permission.answered", "phase.finished", "model.request", "turn.started",
    "turn.finished",
  ];
  const address = `/api/v1/runs/${encodeURIComponent(run)}/events?after=${after}`;
  const source = follow(address, kinds, () => true);
  source.addEventListener("run.finished", () => { source.close(); renew(); });
}

// A link of the head of which a corner is seen counts as seen, for browsers: whoever tabs there sees all of it.
document.querySelector(".top")?.addEventListener("focusin", (event) => {
  if (event.target.matches(":focus-visible")) event.target.scrollIntoView({ block: "nearest", inline: "nearest" });
});
