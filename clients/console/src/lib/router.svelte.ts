/** Which view is shown: the address is the state, so that every view is a link. */

const BASE = "/console";

export interface Route {
  /** Parts of the path below `/console`. */
  path: string[];
  query: URLSearchParams;
}

function read(): Route {
  const { pathname, search } = window.location;
  const below = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : "/";
  const path = below.split("/").filter(Boolean).map(decode);
  return { path, query: new URLSearchParams(search) };
}

/** A part that is no percent-encoding is taken as it is. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

let route = $state.raw<Route>(read());

export const current = (): Route => route;

/** The address of a view. */
export function href(path: readonly string[], query: Record<string, string | number | undefined> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") search.set(name, String(value));
  const text = search.toString();
  return `${BASE}/${path.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

export function go(address: string, replace = false): void {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  route = read();
}

/** Changes parameters of the view that is shown; `undefined` removes one. */
export function setQuery(changes: Record<string, string | undefined>, replace = true): void {
  const url = new URL(window.location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  const next = url.pathname + url.search;
  if (next !== window.location.pathname + window.location.search) go(next, replace);
}

/** Links within the console change the view without a load. */
export function listen(): void {
  window.addEventListener("popstate", () => (route = read()));
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.("a");
    if (!link || link.target || link.hasAttribute("download") || link.origin !== window.location.origin) return;
    if (link.pathname !== "/" && !link.pathname.startsWith(`${BASE}/`) && link.pathname !== BASE) return;
    if (/^\/console\/(assets\/|licences)/.test(link.pathname)) return;
    event.preventDefault();
    go(link.pathname + link.search);
    document.getElementById("main")?.focus({ preventScroll: true });
    document.getElementById("main")?.scrollTo(0, 0);
  });
}
