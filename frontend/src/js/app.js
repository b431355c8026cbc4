/** Starts every behaviour; what a page does not use costs nothing, and the live part is loaded only where there is a topic. */
import "htmx.org";
import "./theme.js";
import "./menu.js";
import "./dialogs.js";
import "./toasts.js";
import "./forms.js";
import "./countdown.js";
import "./reveal.js";
import "./arrive.js";

if (document.body.dataset.liveTopic) {
  import("./live.js").then((live) => live.start());
}
