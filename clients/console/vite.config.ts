/** How the bundle is made: into the folder that the gateway embeds. */
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { licences } from "./scripts/licences.mjs";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const client = here("../typescript/src/index.ts");

// The parts of an exported file were built before (scripts/build.mjs).
const assets = here("../../gateway/console-dist/assets");
const replay = (ending: string) =>
  (existsSync(assets) ? readdirSync(assets) : []).filter((name) => name.startsWith("replay-") && name.endsWith(ending)).map((name) => `assets/${name}`)[0] ?? "";

const target = process.env.RUNBUS_GATEWAY ?? "http://127.0.0.1:8700";
const proxy = { "/v1": { target, ws: true, changeOrigin: true }, "/healthz": { target, changeOrigin: true } };

export default defineConfig({
  base: "/console/",
  // The same bytes wherever the project lies: names of styles come from their content, not from a path.
  plugins: [svelte({ compilerOptions: { cssHash: ({ hash, css }) => `s-${hash(css)}` } }), licences()],
  resolve: { alias: { "@runbus/client": client } },
  define: { REPLAY_FILES: JSON.stringify({ script: replay(".js"), style: replay(".css") }) },
  build: {
    outDir: here("../../gateway/console-dist"),
    emptyOutDir: false,
    target: "es2022",
    // The page's policy has no `data:`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { checks: { pluginTimings: false } },
  },
  // `npm run dev` works on a gateway that runs.
  server: { proxy },
  preview: { proxy },
});
