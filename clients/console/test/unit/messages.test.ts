import { describe, expect, it } from "vitest";
import { mediaOf, textOf } from "../../src/session/types";

describe("the content of a message", () => {
  it("is a text, or parts with texts and media", () => {
    const parts = [
      { type: "text", text: "Compare." },
      { type: "image", url: "https://h/a.png?key=k" },
      { type: "file", media_type: "application/pdf", data: "AAAA", name: "a.pdf" },
      { type: "text", text: "Go." },
    ];
    expect([textOf("plain"), mediaOf("plain"), textOf(null)]).toEqual(["plain", [], ""]);
    expect(textOf(parts)).toBe("Compare.\n\nGo.");
    expect(mediaOf(parts)).toEqual(["image https://h/a.png", "file a.pdf application/pdf"]);
  });
});
