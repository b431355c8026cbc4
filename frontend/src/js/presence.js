/**
 * Shows who else is editing what. A form or row with `data-presence="party:…"` announces itself while it has the focus;
 * an element with `data-presence-of="party:…"` shows "Ben is editing". Nothing else about a person is sent.
 */
// Not randomUUID: that exists on https and localhost only, and a first trial often runs on a plain address of the LAN.
const key = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
let channel = null;
let area = "";

export const presence = {
  config: () => ({ config: { presence: { key } } }),

  attach(joined) {
    if (!document.body.dataset.person) return;
    channel ??= joined;
    if (channel === joined) channel.on("presence", { event: "sync" }, draw);
  },

  joined() {
    if (area) track();
  },
};

function track() {
  channel?.track({ name: document.body.dataset.person, area });
}

function draw() {
  const others = Object.entries(channel.presenceState()).filter(([who]) => who !== key).flatMap(([, entries]) => entries);
  for (const slot of document.querySelectorAll("[data-presence-of]")) {
    const wanted = slot.dataset.presenceOf;
    const names = [...new Set(others.filter((one) => one.area === wanted || (wanted.endsWith("*") && one.area?.startsWith(wanted.slice(0, -1)))).map((one) => one.name))];
    const words = names.length ? `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} editing` : "";
    if (slot.textContent !== words) slot.textContent = words;
  }
}

document.addEventListener("focusin", (event) => {
  const now = event.target.closest?.("[data-presence]")?.dataset.presence ?? "";
  if (now === area) return;
  area = now;
  if (area) track();
  else channel?.untrack();
});
document.addEventListener("htmx:after:swap", () => channel && draw());
