/** Keeps "60 days to go" right on a page left open past midnight. */
const DAY_MS = 86_400_000;

function refresh() {
  for (const countdown of document.querySelectorAll("[data-countdown]")) {
    const number = countdown.querySelector("[data-countdown-number]");
    const [year, month, day] = countdown.dataset.countdown.split("-").map(Number);
    if (!number || !day) continue;
    const today = new Date();
    const left = Math.round((Date.UTC(year, month - 1, day) - Date.UTC(today.getFullYear(), today.getMonth(), today.getDate())) / DAY_MS);
    // Two clocks may differ by a day (time zones, a drill); a larger difference means this is not the reader's calendar.
    if (left < 1 || Math.abs(left - Number(number.textContent)) > 1) continue;
    number.textContent = left;
    countdown.querySelector("[data-countdown-word]").textContent = left === 1 ? "day to go" : "days to go";
  }
}

document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
