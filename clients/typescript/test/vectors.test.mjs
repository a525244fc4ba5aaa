// The vectors that all clients check: snapshots with the events that lead to them, whole and merged; cursors; patches.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { apply, begin } from "@runbus/client";
import { patch } from "../dist/patch.js";

const read = (name) => JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), "utf8"));
const vectors = read("snapshots.json");

/** How a number was written is lost in JavaScript: where a cut object has some, the cut is elsewhere (README). */
const shown = (snapshot) =>
  JSON.parse(JSON.stringify(snapshot), (_, one) =>
    one?.truncated_bytes && /^[{[].*\d/.test(one.value) ? { truncated: true } : one,
  );

describe("vectors", () => {
  for (const { execution_id, snapshots, ...forms } of vectors) {
    for (const [form, events] of Object.entries(forms)) {
      it(`the ${form} of ${execution_id} fold into the gateway's snapshots`, () => {
        const told = new Map(snapshots.map(({ behind, snapshot }) => [behind, snapshot]));
        let state = begin("", true); // The recording has them from the beginning.
        let checked = 0;
        for (const event of events) {
          state = apply(state, event);
          const wanted = told.get(event.cursor);
          if (!wanted) continue;
          assert.deepEqual(shown(state), shown(wanted));
          checked++;
        }
        assert.ok(checked > 1);
      });
    }
    it(`any snapshot of ${execution_id} goes on to the last one`, () => {
      for (const { behind, snapshot } of snapshots) {
        const at = forms.events.findIndex(({ cursor }) => cursor === behind);
        const frozen = JSON.stringify(snapshot);
        const last = forms.events.slice(at + 1).reduce(apply, snapshot);
        assert.deepEqual(shown(last), shown(snapshots.at(-1).snapshot));
        assert.equal(JSON.stringify(snapshot), frozen, "a snapshot is never changed");
      }
    });
  }

  it("a cursor is the same text in an address", () => {
    for (const { cursor } of read("cursors.json")) {
      assert.equal(new URLSearchParams({ cursor }).toString(), `cursor=${cursor}`);
      assert.equal(encodeURIComponent(cursor), cursor);
    }
  });

  it("patches are applied, and what does not fit is answered by nothing", () => {
    const document = { a: [1, 2], "b/c": { "~": 1 } };
    const add = { op: "add", path: "/a/-", value: 3 };
    const remove = { op: "remove", path: "/a/0" };
    const replace = { op: "replace", path: "/b~1c/~0", value: 2 };
    assert.deepEqual(patch(document, [add, remove, replace]), { a: [2, 3], "b/c": { "~": 2 } });
    assert.deepEqual(patch(document, [{ op: "replace", path: "", value: 7 }]), 7);
    assert.deepEqual(patch(document, [{ op: "add", path: "/a/0", value: 0 }]).a, [0, 1, 2]);
    assert.deepEqual(Object.keys(patch({}, [{ op: "add", path: "/__proto__", value: 1 }])), ["__proto__"]);
    assert.deepEqual(document, { a: [1, 2], "b/c": { "~": 1 } });
    const wrong = [
      { op: "remove", path: "/x" },
      { op: "replace", path: "/x", value: 1 },
      { op: "add", path: "/x/y", value: 1 },
      { op: "add", path: "/a/7", value: 1 },
      { op: "move", from: "/a", path: "/x" },
    ];
    for (const one of wrong) assert.equal(patch(document, [one]), undefined, JSON.stringify(one));
  });
});
