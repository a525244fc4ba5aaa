/** The time now, for ages: once a second, and not while nobody looks. */
import { createSubscriber } from "svelte/reactivity";

const subscribe = createSubscriber((update) => {
  const timer = setInterval(() => document.visibilityState === "visible" && update(), 1000);
  return () => clearInterval(timer);
});

export const now = (): number => {
  subscribe();
  return Date.now();
};
