/**
 * Saves a form in place: `<form data-save data-etag="…" data-target="#guest-7">`, with If-Match so that nobody's change is lost.
 *
 * `data-save="change"` saves as soon as something changes (switches, choices). The answer is the HTML that replaces
 * `data-target` (default: the form's nearest `[data-row]`, else the form). A 412 is merged, silently where two people
 * changed different fields, by a dialog where they changed the same one. A 422 puts each problem beside its field.
 * Without scripts the same form posts its hidden `version` field and the server answers with whole pages.
 */
import { chooseFields } from "./merge.js";
import { settleFields } from "./settle.js";
import { toast, toastAfterwards } from "./toasts.js";

const initial = new WeakMap();
const again = new WeakSet();

const values = (form) => {
  const read = {};
  for (const [name, value] of new FormData(form)) {
    if (name.startsWith("_") || name === "version") continue;
    read[name] = name in read ? `${read[name]}, ${value}` : String(value);
  }
  return read;
};

/** Remember what a form held before it was touched; a row being edited is left alone by live updates (data-dirty). */
document.addEventListener("focusin", (event) => {
  const form = event.target.closest?.("form[data-save]");
  if (form && !initial.has(form)) initial.set(form, values(form));
});

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-save]");
  if (form && form.dataset.save !== "change") (form.closest("[data-row]") ?? form).dataset.dirty = "";
});

document.addEventListener("change", (event) => {
  const form = event.target.closest?.('form[data-save="change"]');
  if (form) form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-save]")) return;
  event.preventDefault();
  if (event.target.getAttribute("aria-busy") === "true") {
    // A second switch while the first is still on its way: send the form once more when it is back.
    if (event.target.dataset.save === "change") again.add(event.target);
    return;
  }
  save(event.target, event.submitter);
});

async function save(form, submitter) {
  const before = initial.get(form) ?? values(form);
  const body = new URLSearchParams(new FormData(form, submitter ?? undefined));
  setBusy(form, true);
  try {
    const answer = await send(form, submitter, body);
    if (answer.status === 412) await resolveConflict(form, submitter, before, answer.problem);
    else if (answer.status >= 400) showProblems(form, answer.problem);
    else await finish(form, answer);
  } catch (failure) {
    toast("Could not reach WedSync. Your words are still here; try again in a moment.", {
      action: { label: "Try again", run: () => save(form, submitter) },
    });
    throw failure;
  } finally {
    setBusy(form, false);
  }
  if (again.delete(form) && form.isConnected) form.requestSubmit();
}

async function send(form, submitter, body) {
  const headers = {
    Accept: "text/html, application/problem+json",
    "HX-Request": "true",
  };
  if (form.dataset.etag) headers["If-Match"] = form.dataset.etag;
  const address = submitter?.getAttribute("formaction") || form.getAttribute("action");
  const response = await fetch(address, { method: "POST", headers, body, credentials: "same-origin" });
  // A handler that answers with a redirect was followed to a whole page: go there instead of putting it into a row.
  if (response.redirected) return { status: 200, text: "", location: response.url };
  const text = await response.text();
  const isProblem = response.headers.get("Content-Type")?.includes("json");
  return {
    status: response.status,
    text,
    problem: isProblem ? JSON.parse(text) : { detail: "That did not work; the fault is ours. Nothing was changed." },
    trigger: response.headers.get("HX-Trigger"),
    location: response.headers.get("HX-Redirect"),
  };
}

async function finish(form, answer) {
  const target = form.dataset.target ? document.querySelector(form.dataset.target) : (form.closest("[data-row]") ?? form);
  initial.delete(form);
  for (const dirty of [target, ...target.querySelectorAll("[data-dirty]")]) delete dirty.dataset.dirty;
  if (answer.location) {
    go(answer.location);
    return;
  }
  if (answer.trigger) announce(answer.trigger);
  if (!answer.text.trim()) return;
  const id = target.id;
  await window.htmx.swap({ text: answer.text, target, swap: form.dataset.swap ?? "outerHTML", sourceElement: document.body });
  if (form.isConnected && !again.has(form)) settleFields(form);
  // Only where the focus went away with what was replaced.
  if (document.activeElement !== document.body || !id) return;
  document.getElementById(id)?.querySelector("a, button, summary, input:not([type=hidden])")?.focus({ preventScroll: true });
}

/** The same page again keeps its place; another one starts at its top. */
function go(address) {
  const wanted = new URL(address, location.href);
  toastAfterwards("Saved.");
  if (wanted.pathname === location.pathname && wanted.search === location.search) location.reload();
  else location.assign(wanted);
}

function announce(trigger) {
  const words = trigger.startsWith("{") ? JSON.parse(trigger) : { [trigger]: null };
  for (const [name, detail] of Object.entries(words)) {
    document.body.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

/** `problem.current` holds the row as it is now, `problem.version` its version, `problem.changed_by` who was first. */
async function resolveConflict(form, submitter, before, problem) {
  const mine = values(form);
  const theirs = inFormWords(form, problem.current ?? {});
  const who = problem.changed_by ?? "Someone else";
  const touched = (name) => (mine[name] ?? "") !== (before[name] ?? "");
  const theyChanged = (name) => name in theirs && theirs[name] !== (before[name] ?? "");
  const both = Object.keys(theirs).filter((name) => touched(name) && theyChanged(name) && theirs[name] !== (mine[name] ?? ""));
  const kept = both.length ? await chooseFields({ form, who, names: both, mine, theirs }) : {};
  if (!kept) return;
  for (const [name, value] of Object.entries(theirs)) {
    if (!touched(name) || (name in kept && kept[name] === "theirs")) setField(form, name, value);
  }
  form.dataset.etag = `"${problem.version}"`;
  if (form.elements.version) form.elements.version.value = problem.version;
  initial.set(form, { ...before, ...theirs });
  if (!both.length) toast(`${who} changed this a moment ago. Both changes are kept.`);
  await save(form, submitter);
}

/** A row as the API tells it, in the words its form uses: only the form's fields, ticks as "on", times without seconds. */
function inFormWords(form, row) {
  const words = {};
  for (const [name, value] of Object.entries(row)) {
    const field = form.elements[name];
    if (!field || name === "version") continue;
    if (field.type === "checkbox") words[name] = value ? field.value : "";
    else if (field.type === "time") words[name] = String(value ?? "").slice(0, 5);
    else words[name] = String(value ?? "");
  }
  return words;
}

function setField(form, name, value) {
  const field = form.elements[name];
  if (field.type === "checkbox") field.checked = value !== "";
  else field.value = value;
}

function showProblems(form, problem) {
  for (const old of form.querySelectorAll(".field__error[data-from-script]")) old.remove();
  for (const field of form.querySelectorAll('[aria-invalid="true"]')) field.removeAttribute("aria-invalid");
  const unplaced = [];
  for (const error of problem.errors ?? []) if (!placeError(form, error)) unplaced.push(`${error.reason} ${error.fix ?? ""}`.trim());
  form.querySelector('[aria-invalid="true"]')?.focus();
  if (unplaced.length || !(problem.errors ?? []).length) toast(unplaced.join(" ") || problem.detail || problem.title);
  if (form.dataset.save === "change") form.reset();
}

function placeError(form, { field: name, reason, fix }) {
  const holder = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  const control = holder?.querySelector("input, select, textarea");
  if (!control) return false;
  const line = document.createElement("span");
  line.className = "field__error";
  line.dataset.fromScript = "";
  line.id = `${control.id || name}-problem`;
  line.textContent = [reason, fix].filter(Boolean).join(" ");
  holder.append(line);
  control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-describedby", line.id);
  return true;
}

function setBusy(form, busy) {
  form.setAttribute("aria-busy", String(busy));
  // Not `disabled`: the focus must stay where it is.
  for (const button of form.querySelectorAll("button")) button.toggleAttribute("data-waiting", busy);
}

// A page with unsaved words asks before it goes.
window.addEventListener("beforeunload", (event) => {
  if (document.querySelector("[data-dirty]")) event.preventDefault();
});
