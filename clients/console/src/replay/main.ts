/** Begins an exported file: the events are in it, and no server is asked. */
import { mount } from "svelte";
import "../styles/tokens.css";
import "../styles/base.css";
import Replay from "./Replay.svelte";

const held = document.getElementById("events")?.textContent ?? "{}";
// Links into a console lead nowhere from a file.
document.addEventListener("click", (event) => {
  if ((event.target as Element | null)?.closest?.("a[href^='/console']")) event.preventDefault();
});
mount(Replay, { target: document.getElementById("app") as HTMLElement, props: { exported: JSON.parse(held) } });
