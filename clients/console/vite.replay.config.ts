/** The part of the console that an exported file brings along: one script and one style sheet, without imports. */
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  base: "/console/",
  plugins: [svelte({ compilerOptions: { cssHash: ({ hash, css }) => `s-${hash(css)}` } })],
  resolve: { alias: { "@runbus/client": here("../typescript/src/index.ts") } },
  publicDir: false,
  // A script without imports has no address of its own.
  define: { "import.meta.url": "''" },
  build: {
    outDir: here("../../gateway/console-dist"),
    emptyOutDir: false,
    target: "es2022",
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
    rollupOptions: {
      checks: { pluginTimings: false, emptyImportMeta: false },
      input: here("src/replay/main.ts"),
      output: {
        format: "iife",
        entryFileNames: "assets/replay-[hash].js",
        assetFileNames: "assets/replay-[hash][extname]",
      },
    },
  },
});
