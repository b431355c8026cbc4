/** `data-opens="id"` opens that dialog; `data-copy="#id"` copies a field; `data-focus` takes the focus when it appears. */
import { toast } from "./toasts.js";

document.addEventListener("click", async (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.opens)?.showModal();
    return;
  }
  if (event.target.matches("dialog")) event.target.close();
  const copier = event.target.closest("[data-copy]");
  if (copier) {
    const source = document.querySelector(copier.dataset.copy);
    source.select?.();
    // The clipboard is closed to plain http; the field is then selected, ready for the keyboard.
    await navigator.clipboard?.writeText(source.value ?? source.textContent.trim());
    toast(navigator.clipboard ? "Copied." : "Selected: copy it with your keyboard.");
  }
  if (event.target.closest("[data-print]")) window.print();
});

const focusNew = () => document.querySelector("[data-focus]:not([data-focused])");

function takeFocus() {
  const wanted = focusNew();
  if (!wanted) return;
  wanted.dataset.focused = "";
  wanted.focus({ preventScroll: false });
}
document.addEventListener("htmx:after:swap", takeFocus);
takeFocus();
