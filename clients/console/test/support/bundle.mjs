// The page from gateway/console-dist, for a program that has no bundle of its own: a release that was built before it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const dist = fileURLToPath(new URL("../../../../gateway/console-dist/", import.meta.url));
const MEDIA = { html: "text/html", js: "text/javascript", css: "text/css", svg: "image/svg+xml", txt: "text/plain" };

/** As `gateway/src/console/page.rs` says it. */
const POLICY = "default-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** A file of the bundle; every other address below `/console/` is the page. */
export function file(path) {
  const name = path.replace(/^\/console\//, "");
  const known = name.includes(".") && existsSync(join(dist, name)) ? name : "index.html";
  return {
    status: 200,
    contentType: `${MEDIA[known.split(".").at(-1)]}; charset=utf-8`,
    headers: { "content-security-policy": POLICY },
    body: readFileSync(join(dist, known)),
  };
}

/** The bytes of a file of the bundle as browsers load it. */
export const packed = (path) => {
  const name = join(dist, path.replace(/^\/console\//, ""));
  return existsSync(`${name}.gz`) ? readFileSync(`${name}.gz`).length : readFileSync(existsSync(name) ? name : join(dist, "index.html")).length;
};

/** Whether a gateway has the console inside. */
export const hasConsole = async (url) =>
  /\/console\/assets\//.test(await (await fetch(`${url}/console/`, { headers: { accept: "text/html" } })).text());

/** Such a page is of no address for the browser, which then asks before it reaches a loopback one. */
export const FOLDER_ARGS = ["--disable-features=LocalNetworkAccessChecks"];

/** Pages of this context get the bundle from the folder, everything else from the gateway. */
export const fromFolder = (context) => context.route(/^https?:\/\/[^/]+\/(console\/.*)?$/, (route) => route.fulfill(file(new URL(route.request().url()).pathname)));
