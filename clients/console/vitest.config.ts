/** Unit tests: folds in Node, components in a document of happy-dom. */
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte()],
  resolve: {
    alias: { "@runbus/client": fileURLToPath(new URL("../typescript/src/index.ts", import.meta.url)) },
    conditions: ["browser"],
  },
  test: { include: ["test/unit/**/*.test.ts"], environment: "happy-dom", reporters: ["dot"], pool: "threads", testTimeout: 60_000 },
});
