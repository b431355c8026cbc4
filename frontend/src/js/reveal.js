/**
 * Parts of a form that matter only for some answers: `data-shows-when="name=value|another"` on a fieldset or div, or
 * `name!=value` for all answers but these.
 *
 * The part is hidden and its fields disabled while the answer is another one; without scripts it simply shows.
 */
function apply(root = document) {
  for (const part of root.querySelectorAll("[data-shows-when]")) {
    const [, name, not, value] = part.dataset.showsWhen.match(/^([^=!]+)(!?)=(.*)$/);
    const form = part.closest("form");
    const chosen = form?.elements[name];
    const now = chosen instanceof RadioNodeList ? chosen.value : chosen?.type === "checkbox" ? (chosen.checked ? chosen.value : "") : chosen?.value;
    const shown = value.split("|").includes(now) === !not;
    part.hidden = !shown;
    for (const field of part.querySelectorAll("input, select, textarea")) field.disabled = !shown;
  }
}

document.addEventListener("change", (event) => event.target.form && apply(event.target.form));
document.addEventListener("htmx:after:swap", () => apply());
apply();
