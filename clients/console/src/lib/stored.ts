/** The data of the console that a browser remembers; a browser that remembers nothing is fine, too. */

export function load<T>(name: string, fallback: T, where: "local" | "tab" = "local"): T {
  try {
    const text = storage(where).getItem(`runbus.${name}`);
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

export function save(name: string, value: unknown, where: "local" | "tab" = "local"): void {
  try {
    if (value === undefined) storage(where).removeItem(`runbus.${name}`);
    else storage(where).setItem(`runbus.${name}`, JSON.stringify(value));
  } catch {
    // It is full, or not allowed.
  }
}

const storage = (where: "local" | "tab"): Storage => (where === "tab" ? sessionStorage : localStorage);
