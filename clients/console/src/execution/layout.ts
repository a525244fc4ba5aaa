/** Where nodes and edges of a graph are drawn. */
import dagre from "@dagrejs/dagre";
import { GRAPH_NODES } from "../lib/limits";

export interface Placed {
  id: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Line {
  from: string;
  to: string;
  path: string;
  label: string;
  labelAt: { x: number; y: number };
}

export interface Layout {
  width: number;
  height: number;
  nodes: Placed[];
  lines: Line[];
  omitted: number;
}

export const NODE_WIDTH = 148;
export const NODE_HEIGHT = 46;

export function layout(
  nodes: readonly { id: string }[],
  edges: readonly { from: string; to: string; when: string }[],
  direction: "LR" | "TB",
): Layout {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: direction, nodesep: 22, ranksep: direction === "LR" ? 54 : 44, marginx: 10, marginy: 10 });
  graph.setDefaultEdgeLabel(() => ({}));
  const shown = nodes.slice(0, GRAPH_NODES);
  const names = new Set(shown.map(({ id }) => id));
  for (const { id } of shown) graph.setNode(id, { width: NODE_WIDTH, height: NODE_HEIGHT });
  const drawn = edges.filter(({ from, to }) => names.has(from) && names.has(to));
  drawn.forEach(({ from, to, when }, n) => {
    const width = when ? Math.min(when.length * 6 + 8, 130) : 0;
    graph.setEdge(from, to, { width, height: when ? 14 : 0, labelpos: "c" }, String(n));
  });
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width: Math.max(width, NODE_WIDTH + 20),
    height: Math.max(height, NODE_HEIGHT + 20),
    nodes: shown.map(({ id }) => {
      const { x, y } = graph.node(id) as { x: number; y: number };
      return { id, x: x - NODE_WIDTH / 2, y: y - NODE_HEIGHT / 2, width: NODE_WIDTH, height: NODE_HEIGHT };
    }),
    lines: drawn.map(({ from, to, when }, n) => {
      const edge = graph.edge(from, to, String(n)) as { points: { x: number; y: number }[]; x?: number; y?: number };
      const middle = edge.points[Math.floor(edge.points.length / 2)] ?? { x: 0, y: 0 };
      return { from, to, path: curve(edge.points), label: when, labelAt: { x: edge.x ?? middle.x, y: edge.y ?? middle.y } };
    }),
    omitted: nodes.length - shown.length,
  };
}

/** A smooth line through points. */
function curve(points: readonly { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  const at = ({ x, y }: { x: number; y: number }) => `${x.toFixed(1)},${y.toFixed(1)}`;
  let path = `M${at(first)}`;
  for (let n = 0; n < rest.length; n++) {
    const one = rest[n] as { x: number; y: number };
    const next = rest[n + 1];
    if (!next) path += ` L${at(one)}`;
    else path += ` Q${at(one)} ${at({ x: (one.x + next.x) / 2, y: (one.y + next.y) / 2 })}`;
  }
  return path;
}
