/** What this browser remembers. It may not let us: then nothing is remembered. */

const PREFIX = "stridehub.";
const CREDENTIALS = "credentials"; // in this tab, until it is closed

function attempt(call) {
  try {
    return call();
  } catch {
    return null;
  }
}

export const recall = (name) => attempt(() => localStorage.getItem(PREFIX + name));

/** null: forgotten. */
export function remember(name, value) {
  attempt(() =>
    value === null
      ? localStorage.removeItem(PREFIX + name)
      : localStorage.setItem(PREFIX + name, value),
  );
}

/** For that broker and no other: {user, password}. */
export function credentialsFor(broker) {
  const kept = attempt(() => JSON.parse(sessionStorage.getItem(PREFIX + CREDENTIALS)));
  return kept?.broker === broker
    ? { user: String(kept.user), password: String(kept.password) }
    : { user: "", password: "" };
}

export function keepCredentials(broker, user, password) {
  attempt(() =>
    user
      ? sessionStorage.setItem(PREFIX + CREDENTIALS, JSON.stringify({ broker, user, password }))
      : sessionStorage.removeItem(PREFIX + CREDENTIALS),
  );
}
