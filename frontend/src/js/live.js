/**
 * Keeps what the server drew in step with the wedding: one socket, and each event makes the fragments that show its
 * table fetch themselves again.
 *
 * `<body data-live-topic="realtime:wedding:…" data-live-url data-live-token-url>`; an element with
 * `data-live="guests rsvps"` and `data-live-src="/fragment"` is morphed in place, so focus, scroll and half-typed words
 * stay. Children carry a `data-key`; keys that were not there before are marked for a moment. Nothing depends on the
 * socket for being right: after each (re)connect and each return to the tab, all fragments are fetched once, and one
 * that somebody waits for (`data-live-waits`) is asked for again and again as long as there is no socket. `data-live="*"`
 * hears of every table; `data-live-every="2"` also asks each two seconds, for what moves without an event (deliveries).
 */
import { RealtimeClient } from "@supabase/realtime-js";
import { presence } from "./presence.js";
import { settleFields } from "./settle.js";
import { createTokens } from "./tokens.js";

const GATHER_MS = 120;
const ASLEEP_MS = 30_000;
const FRESH_MS = 2600;
const WITHOUT_SOCKET_MS = 2000;
let isLive = false;
const pending = new Map();
const seen = new Set();
const asked = new WeakMap();
const openedAt = Date.now();

export function start() {
  const { liveTopic, liveUrl, liveTokenUrl } = document.body.dataset;
  const tokens = createTokens(liveTokenUrl);
  tokens.get().then((token) => {
    const client = new RealtimeClient(liveUrl, { params: { apikey: token }, accessToken: tokens.get });
    tokens.onFresh((fresh) => client.setAuth(fresh));
    for (const topic of liveTopic.split(" ")) join(client, topic);
    window.addEventListener("pagehide", () => client.disconnect());
  }, () => show("off"));
  watchVisibility();
  setInterval(askMoving, 1000);
  setInterval(() => isLive || document.querySelectorAll("[data-live-waits]").forEach(refresh), WITHOUT_SOCKET_MS);
}

function join(client, topic) {
  const channel = client.channel(topic.replace(/^realtime:/, ""), presence.config());
  // No postgres_changes binding: every event arrives once, as a broadcast named by its type.
  channel.on("broadcast", { event: "*" }, ({ payload }) => receive(payload));
  presence.attach(channel);
  let joined = false;
  channel.subscribe((status) => {
    show(status === "SUBSCRIBED" ? "live" : status === "CLOSED" ? "off" : "waiting");
    if (status !== "SUBSCRIBED") return;
    presence.joined();
    // The first join may have missed what happened since the page was drawn, later ones what happened while away.
    refreshAll();
    document.dispatchEvent(new CustomEvent("live:joined", { detail: { again: joined } }));
    joined = true;
  });
}

function receive(event) {
  if (event?.id) {
    if (seen.has(event.id)) return;
    seen.add(event.id);
    if (seen.size > 2000) seen.delete(seen.values().next().value);
  }
  document.dispatchEvent(new CustomEvent("live:event", { detail: event }));
  const table = event?.subject?.table;
  for (const fragment of document.querySelectorAll("[data-live]")) {
    const tables = fragment.dataset.live.split(" ");
    if (!table || tables.includes("*") || tables.includes(table)) refresh(fragment);
  }
}

/** Not in a tab that nobody looks at. */
function askMoving() {
  if (document.visibilityState === "hidden") return;
  for (const fragment of document.querySelectorAll("[data-live-every]")) {
    const due = Number(fragment.dataset.liveEvery) * 1000;
    if (Date.now() - (asked.get(fragment) ?? openedAt) >= due) refresh(fragment);
  }
}

function refreshAll() {
  for (const fragment of document.querySelectorAll("[data-live]")) refresh(fragment);
}

/** Events come in bursts (an import, a ripple): gather them, fetch once, and once more if one came meanwhile. */
function refresh(fragment) {
  const state = pending.get(fragment) ?? {};
  if (state.fetching) state.again = true;
  if (state.timer || state.fetching) return;
  state.timer = setTimeout(() => fetchNow(fragment, state), GATHER_MS);
  pending.set(fragment, state);
}

async function fetchNow(fragment, state) {
  state.timer = null;
  state.fetching = true;
  asked.set(fragment, Date.now());
  try {
    const response = await fetch(address(fragment), { headers: { "HX-Request": "true", Accept: "text/html" }, credentials: "same-origin" });
    if (response.status === 401) location.reload();
    if (response.status === 403 || response.status === 404) withdraw(fragment);
    if (response.ok) await swap(fragment, await response.text());
  } finally {
    pending.delete(fragment);
    if (state.again && fragment.isConnected) refresh(fragment);
  }
}

/** A list behind filters takes them along: `data-live-form="#filters"` adds that form's fields to the address. */
function address(fragment) {
  const url = new URL(fragment.dataset.liveSrc, location.href);
  const form = fragment.dataset.liveForm && document.querySelector(fragment.dataset.liveForm);
  if (form) for (const [name, value] of new FormData(form)) if (value) url.searchParams.set(name, value);
  return url;
}

async function swap(fragment, text) {
  const before = new Map([...fragment.querySelectorAll("[data-key]")].map((row) => [row.dataset.key, row.dataset.version ?? row.textContent]));
  const anchor = steadyRow(fragment);
  const top = anchor?.getBoundingClientRect().top;
  await window.htmx.swap({ text, target: fragment, swap: "outerMorph", sourceElement: fragment });
  const now = fragment.isConnected ? fragment : document.getElementById(fragment.id);
  if (!now) return;
  settleFields(now);
  mark(now, before);
  if (anchor?.isConnected) window.scrollBy({ top: anchor.getBoundingClientRect().top - top, behavior: "instant" });
}

/** What must not move: the row being worked in, else, once the reader has scrolled into the list, its first whole row. */
function steadyRow(fragment) {
  if (fragment.contains(document.activeElement)) return document.activeElement.closest("[data-key]");
  if (fragment.getBoundingClientRect().top > 0) return null;
  const bar = document.querySelector(".topbar")?.offsetHeight ?? 0;
  return [...fragment.querySelectorAll("[data-key]")].find((row) => row.getBoundingClientRect().top >= bar) ?? null;
}

function mark(root, before) {
  if (!before.size) return;
  for (const row of root.querySelectorAll("[data-key]")) {
    const old = before.get(row.dataset.key);
    if (old === (row.dataset.version ?? row.textContent)) continue;
    row.classList.remove("is-fresh");
    void row.offsetWidth;
    row.classList.add("is-fresh");
    // A timer, not the end of the animation: readers who asked for less motion get a still mark for the same time.
    setTimeout(() => row.classList.remove("is-fresh"), FRESH_MS);
  }
}

/** The right to see this part was taken back while the page was open. */
function withdraw(fragment) {
  const note = Object.assign(document.createElement("p"), { className: "soft", textContent: "This is no longer shared with you." });
  fragment.replaceChildren(note);
  fragment.removeAttribute("data-live");
}

function show(state) {
  isLive = state === "live";
  const sign = document.getElementById("live-state");
  if (!sign || sign.dataset.state === state) return;
  sign.dataset.state = state;
  sign.querySelector(".live__word").textContent = { live: "Live", waiting: "Connecting", off: "Not live" }[state];
}

function watchVisibility() {
  let hiddenAt = 0;
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") hiddenAt = Date.now();
    else if (hiddenAt && Date.now() - hiddenAt > ASLEEP_MS) refreshAll();
  });
}
