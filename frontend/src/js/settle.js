/** A morph updates attributes; ticks and choices people have once touched follow their property, so set it too. */
export function settleFields(root) {
  for (const field of root.querySelectorAll("input[type=checkbox], input[type=radio], option")) {
    if (field.closest("[data-dirty]") || field.contains(document.activeElement)) continue;
    if (field.localName === "option") field.selected = field.defaultSelected;
    else field.checked = field.defaultChecked;
  }
}
