// Uses the page of docs/tutorial/browser.md as its reader does. ops/docs/run.py calls it and restarts the gateway meanwhile.
import { chromium } from "playwright-core";

const [, , url] = process.argv;
/** Longer than a token of the tutorial lives, and than a busy machine takes, in milliseconds. */
const timeout = 120_000;

const browser = await chromium.launch({
  executablePath: process.env.CLIENT_TEST_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(timeout);
  const lost = [];
  page.on("websocket", (socket) => socket.on("close", () => lost.push(Date.now())));
  let minted = 0;
  const renewed = new Promise((resolve) => page.on("response", (one) => one.url().endsWith("/token") && ++minted > 1 && resolve()));
  await page.goto(url);
  await page.click("#start");
  await page.waitForFunction(() => document.querySelector("#status").textContent === "waiting_for_approval");
  await renewed;
  if (lost.length > 0) throw new Error("a connection was lost before its token was renewed");
  const gone = page.waitForEvent("websocket");
  console.log("waiting_for_approval, after a token ended");
  // A new connection: the gateway was started again.
  await gone;
  await page.click("#approvals button");
  await page.waitForFunction(() => document.querySelector("#status").textContent === "completed");
  console.log(`completed: ${(await page.textContent("#text")).trim()}`);
} finally {
  await browser.close();
}
