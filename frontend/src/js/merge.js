/** Asks which of two people's changes to keep, field by field. Resolves to {field: "mine" | "theirs"}, or null if they stop. */
export function chooseFields({ form, who, names, mine, theirs }) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-labelledby", "merge-title");
  const title = Object.assign(document.createElement("h2"), { id: "merge-title", textContent: `${who} saved first` });
  const lead = Object.assign(document.createElement("p"), {
    className: "soft",
    textContent: "You both changed the same thing. Choose what to keep; the other stays in the history.",
  });
  const choice = document.createElement("form");
  choice.className = "merge";
  choice.method = "dialog";
  choice.append(...names.map((name) => fieldset(form, name, who, mine[name], theirs[name])), buttons());
  dialog.append(title, lead, choice);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const kept = dialog.returnValue === "save" ? Object.fromEntries(names.map((name) => [name, choice.elements[`keep-${name}`].value])) : null;
      dialog.remove();
      resolve(kept);
    });
  });
}

function fieldset(form, name, who, mine, theirs) {
  const set = document.createElement("fieldset");
  const label = form.querySelector(`[data-field="${CSS.escape(name)}"] :is(label, legend)`)?.textContent.trim() ?? name;
  set.append(Object.assign(document.createElement("legend"), { textContent: label }));
  set.append(line(name, "mine", mine, "yours", true), line(name, "theirs", theirs, `${who}’s`, false));
  return set;
}

function line(name, value, text, whose, checked) {
  const label = document.createElement("label");
  label.className = "tick";
  const input = Object.assign(document.createElement("input"), { type: "radio", name: `keep-${name}`, value, checked });
  const words = Object.assign(document.createElement("span"), { textContent: text || "empty" });
  label.append(input, words, Object.assign(document.createElement("small"), { textContent: whose }));
  return label;
}

function buttons() {
  const row = document.createElement("div");
  row.className = "form__end";
  const save = Object.assign(document.createElement("button"), { className: "btn", value: "save", textContent: "Keep these" });
  const stop = Object.assign(document.createElement("button"), { className: "btn btn--quiet", value: "stop", textContent: "Go back to my words" });
  row.append(save, stop);
  return row;
}
