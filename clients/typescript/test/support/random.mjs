// Random choices that a seed repeats.
export function random(seed) {
  let state = (seed * 2654435761) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n) => Math.floor(next() * n);
  const pick = (list) => list[below(list.length)];
  const weighted = (list) => {
    let at = next() * list.reduce((sum, [weight]) => sum + weight, 0);
    return (list.find(([weight]) => (at -= weight) < 0) ?? list[0])[1];
  };
  return { next, below, pick, weighted };
}
