// Verifies requests with a library: webhooks.mjs LIBRARY FILE. Prints what it verified and how often it refused a change.
import { readFileSync } from "node:fs";

const { Webhook } = await import(process.argv[2]);
const { requests, right, wrong } = JSON.parse(readFileSync(process.argv[3], "utf8"));

const refuses = (secret, body, headers) => {
  try {
    new Webhook(secret).verify(body, headers);
    return false;
  } catch {
    return true;
  }
};

console.log(
  JSON.stringify(
    requests.map(({ headers, body }) => ({
      verified: right.map((secret) => new Webhook(secret).verify(body, headers)?.execution_id ?? JSON.parse(body).execution_id),
      refused: [refuses(wrong, body, headers), refuses(right[0], body.replace("run-1", "run-2"), headers)].filter(Boolean).length,
    })),
  ),
);
