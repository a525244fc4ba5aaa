// A receiver of webhooks: webhook.mjs SECRETS, with requests as JSON lines on standard input. For each it prints the number of
// secrets that verify it, and whether a change is refused.
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

const secrets = JSON.parse(process.argv[2]);
const verifies = (secret, body, headers) => {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
};
for await (const line of createInterface({ input: process.stdin })) {
  const { headers, body } = JSON.parse(line);
  const verified = secrets.filter((secret) => verifies(secret, body, headers)).length;
  const refused = !verifies(secrets[0], `${body} `, headers);
  console.log(JSON.stringify({ verified, refused }));
}
