// A picture of each view in each look, compared with the committed ones: fixed data, a fixed clock, a font of its own.
//
// `make test-console ARGS=--renew` writes them anew; look at them before they are committed.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { chromium } from "playwright-core";
import { picture, renews, SHARE, tree } from "./compare.mjs";
import { serve, URL_OF_PAGES } from "./stub.mjs";
import { NOW, working } from "./world.mjs";

/** Family, weight, file. */
const FACES = [
  ["Test Sans", "400", "DejaVuSans.ttf"],
  ["Test Sans", "700", "DejaVuSans-Bold.ttf"],
  ["Test Mono", "400", "DejaVuSansMono.ttf"],
];

/** A position with void text and a call that is being written: the pictures show it as it was then. */
const AT = working.events.find(({ type, data }) => type === "tool_call_delta" && data.tool_use_id === "call-1").cursor;

const VIEWS = {
  executions: "/console/executions",
  execution: "/console/executions/run-council-7",
  working: "/console/executions/run-refund-12",
  replay: `/console/executions/run-refund-12?at=${AT}`,
  failed: "/console/executions/run-council-8",
  state: "/console/executions/run-council-7?tab=state",
  events: "/console/executions/run-refund-12?tab=events",
  inbox: "/console/inbox",
  sessions: "/console/sessions",
  session: "/console/sessions/talk-4",
  system: "/console/system",
  start: "/console/start?definition=refund",
  compare: "/console/compare?a=run-council-7&b=run-council-8",
  unknown: "/console/executions/nobody-knows-it",
};

const LOOKS = {
  light: { options: { colorScheme: "light", viewport: { width: 1300, height: 820 } }, factor: 2 },
  dark: { options: { colorScheme: "dark", viewport: { width: 1300, height: 820 } }, factor: 2 },
  phone: { options: { colorScheme: "light", viewport: { width: 360, height: 740 } }, factor: 2 },
  wall: { options: { colorScheme: "dark", viewport: { width: 3840, height: 2160 } }, factor: 6 },
};

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CLIENT_TEST_CHROMIUM ?? "/usr/bin/chromium",
    // Letters look the same whatever the machine's settings are.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none", "--disable-lcd-text", "--force-color-profile=srgb", "--hide-scrollbars"],
  });
});
after(() => browser?.close());

/** A page of the fixed world, at a fixed time, with a fixed font. */
async function open(path, options) {
  const context = await browser.newContext({ reducedMotion: "reduce", locale: "en-GB", timezoneId: "UTC", ...options });
  await serve(context);
  await context.addInitScript((faces) => {
    for (const [family, weight, name] of faces) document.fonts.add(new FontFace(family, `url(/fonts/${name})`, { weight }));
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(':root { --font: "Test Sans" !important; --mono: "Test Mono" !important } * { caret-color: transparent !important }');
    document.adoptedStyleSheets.push(sheet);
  }, FACES);
  const page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error.stack)));
  await page.goto(URL_OF_PAGES + path);
  await page.waitForFunction(() => !/Loading…|Reading|Connecting/.test(document.getElementById("main")?.textContent ?? "Loading…"));
  await page.evaluate(() => Promise.all([...document.fonts].map((face) => face.load())));
  return page;
}

/** The picture that stays: two in a row that are the same. */
async function still(page) {
  let last;
  for (let tries = 0; tries < 40; tries++) {
    // A view that follows its end may stand a pixel before it: which one depends on when its parts got their height.
    await page.evaluate(() => {
      for (const box of document.querySelectorAll("*")) {
        const left = box.scrollHeight - box.clientHeight - box.scrollTop;
        if (box.scrollTop > 0 && left > 0 && left < 40) box.scrollTop = box.scrollHeight;
      }
    });
    const shot = await page.screenshot({ animations: "disabled", caret: "hide" });
    if (last?.equals(shot)) return shot;
    last = shot;
    await page.waitForTimeout(150);
  }
  throw new Error("the view never comes to rest");
}

for (const [look, { options, factor }] of Object.entries(LOOKS)) {
  describe(`pictures: ${look}`, { timeout: 240_000 }, () => {
    for (const [name, path] of Object.entries(VIEWS)) {
      it(`${name} is as its picture`, async () => {
        const page = await open(path, options);
        // A view that rests may still come to its place: a busy machine draws late.
        let seen = picture(`${name}-${look}`, await still(page), factor);
        for (let tries = 0; tries < 8 && seen.share > SHARE; tries++) {
          await page.waitForTimeout(250);
          seen = picture(`${name}-${look}`, await still(page), factor);
        }
        const { share, look: paths } = seen;
        assert.ok(share <= SHARE, `${(share * 100).toFixed(2)} % of the pixels differ: ${paths}`);
        // Colours say nothing to a screen reader: one tree for both, and one for the phone.
        if (look === "light" || look === "phone") {
          const text = await page.locator("body").ariaSnapshot();
          assert.deepEqual(tree(`${name}-${look}`, text), []);
        }
        assert.deepEqual(page.faults, []);
        await page.context().close();
      });
    }
  });
}

describe("the comparison", () => {
  it("finds a button of another colour, and a word that is missing", { skip: renews }, async () => {
    const page = await open(VIEWS.working, LOOKS.light.options);
    await still(page);
    await page.evaluate(() => document.querySelector("[data-approval] .button.primary").setAttribute("data-odd", ""));
    await page.evaluate(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("[data-odd] { background: #b0231b !important }");
      document.adoptedStyleSheets.push(sheet);
    });
    assert.ok(picture("working-light", await still(page)).share > SHARE);
    await page.evaluate(() => document.querySelector("[data-approval] .button.primary").setAttribute("aria-hidden", "true"));
    assert.notDeepEqual(tree("working-light", await page.locator("body").ariaSnapshot()), []);
    await page.context().close();
  });
});
