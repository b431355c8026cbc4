/** Page tokens live ten minutes: fetch one when asked, and a fresh one before the old runs out. */

const EARLY_MS = 90_000;

export function createTokens(address) {
  let current = null;
  let expiresAt = 0;
  let asking = null;
  let timer = 0;
  const listeners = [];

  async function ask() {
    const response = await fetch(address, {
      method: "POST",
      headers: { Accept: "application/json" },
      credentials: "same-origin",
    });
    if (!response.ok) throw new Error(`The token was refused with ${response.status}.`);
    const granted = await response.json();
    current = granted.access_token;
    // By how long, not until when: the reader's clock may be wrong.
    expiresAt = Date.now() + granted.expires_in * 1000;
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.max(expiresAt - Date.now() - EARLY_MS, 5_000));
    return current;
  }

  async function refresh() {
    try {
      const token = await get({ fresh: true });
      for (const tell of listeners) tell(token);
    } catch {
      // Offline or signed out: the channel says so, and the next reconnect asks again.
      timer = setTimeout(refresh, 15_000);
    }
  }

  function get({ fresh = false } = {}) {
    if (!fresh && current && expiresAt - Date.now() > 10_000) return Promise.resolve(current);
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  }

  return { get: () => get(), onFresh: (tell) => listeners.push(tell) };
}
