/** Short words at the foot of the page. They stay long enough to be read and never take the focus. */
const READ_MS = 6000;

export function toast(text, { action = null } = {}) {
  const line = document.createElement("div");
  line.className = "toast";
  line.textContent = text;
  if (action) line.append(actionButton(action, line));
  document.getElementById("toasts")?.append(line);
  setTimeout(() => line.remove(), READ_MS);
}

function actionButton({ label, run }, line) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn--bare";
  button.textContent = label;
  button.addEventListener("click", () => {
    line.remove();
    run();
  });
  return button;
}

/** Words for the page that is about to be opened. */
export function toastAfterwards(text) {
  sessionStorage.setItem("toast", text);
}

const left = sessionStorage.getItem("toast");
if (left) {
  sessionStorage.removeItem("toast");
  toast(left);
}

// The server says "toast" through the header `HX-Trigger: {"toast": {"text": "…"}}`.
document.addEventListener("toast", (event) => toast(event.detail?.text ?? event.detail?.value ?? ""));
document.addEventListener("htmx:response:error", (event) => {
  if (event.detail.ctx.response.status >= 500) toast("That did not work; the fault is ours. Nothing was changed.");
});
for (const line of document.querySelectorAll("[data-toast]")) setTimeout(() => line.remove(), READ_MS);
