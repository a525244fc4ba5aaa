// The README's blocks run as they stand, but for the gateway's address.
import { after, before, describe, it } from "node:test";
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { snippets } from "./support/snippets.mjs";
import { backends } from "./support/runbus.mjs";

const here = fileURLToPath(new URL("./", import.meta.url));
const run = promisify(execFile);

for (const [name, start] of Object.entries(backends)) {
  describe(`the README on ${name}`, { timeout: 240_000 }, () => {
    let runbus;
    before(async () => (runbus = await start()));
    after(() => runbus?.stop());
    snippets().forEach(({ code, name: title, runs }, at) => {
      if (!runs) return;
      it(`${title} runs`, async (t) => {
        // Beside the package, whose name it imports.
        const file = `${here}.readme-${name}-${at}.mjs`;
        t.after(() => rmSync(file, { force: true }));
        const { code: js } = await transform(code.replaceAll("http://127.0.0.1:8700", runbus.gateways[0].url), { loader: "ts" });
        writeFileSync(file, js);
        await run(process.execPath, ["--experimental-websocket", "--no-warnings", file], { timeout: 80_000 });
      });
    });
  });
}
