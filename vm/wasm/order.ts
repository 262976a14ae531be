/**
 * The order of a region's blocks: reverse postorder, dominators (Cooper, Harvey and Kennedy 2001), and the
 * longest way that can be gone without a test of the fuel.
 *
 * One node more than there are blocks, the dispatcher, is the root: it leads to every entry. The head
 * of every loop is made an entry as well, so that a loop that ran out of fuel can be gone on with; a
 * jump back to a block that does not dominate where it comes from goes through the dispatcher, which
 * makes any flow of control reducible.
 */

export interface FlowGraph {
  /** Blocks, without the dispatcher, whose number this is. */
  readonly size: number;
  successors(block: number): readonly number[];
  /** What control can reach from anywhere. */
  readonly entries: readonly number[];
}

export interface Order {
  /** What can be reached, the dispatcher first; jumps that do not go back lead to what is later. */
  readonly nodes: readonly number[];
  /** Place in `nodes`; -1 for what cannot be reached. */
  readonly place: Int32Array;
  /** Immediate dominators by node; the dispatcher is its own. */
  readonly dominator: Int32Array;
  /** Entries, heads of loops included. */
  readonly entries: ReadonlySet<number>;
}

export function orderOf(graph: FlowGraph): Order {
  const root = graph.size;
  const entries = new Set(graph.entries);
  const nodes = reversePostorder(graph);
  const place = new Int32Array(graph.size + 1).fill(-1);
  nodes.forEach((node, index) => place[node] = index);
  const predecessors: number[][] = Array.from({ length: graph.size + 1 }, () => []);
  for (const node of nodes) {
    if (node === root) continue;
    for (const to of graph.successors(node)) {
      predecessors[to]!.push(node);
      if (place[to]! <= place[node]!) entries.add(to);
    }
  }
  for (const entry of entries) predecessors[entry]!.push(root);
  const dominator = dominators(nodes, place, predecessors);
  return { nodes, place, dominator, entries };
}

/** Whether a jump goes back, in which case the fuel is tested. */
export function isBack({ place }: Order, from: number, to: number): boolean {
  return place[to]! <= place[from]!;
}

export function dominates({ place, dominator }: Order, above: number, below: number): boolean {
  let node = below;
  while (place[node]! > place[above]!) node = dominator[node]!;
  return node === above;
}

/** The most fuel that blocks can take one after the other without a jump back or by register. */
export function longestWay(
  order: Order,
  graph: FlowGraph,
  fuelOf: (block: number) => number,
): number {
  const before = new Map<number, number>();
  let longest = 0;
  for (const node of order.nodes) {
    if (node === graph.size) continue;
    const fuel = (before.get(node) ?? 0) + fuelOf(node);
    longest = Math.max(longest, fuel);
    for (const to of graph.successors(node)) {
      if (!isBack(order, node, to)) before.set(to, Math.max(before.get(to) ?? 0, fuel));
    }
  }
  return longest;
}

/** Depth first with a stack of its own: programs have thousands of blocks in a row. */
function reversePostorder(graph: FlowGraph): number[] {
  const root = graph.size;
  const seen = new Set([root]);
  const post: number[] = [];
  const path = [{ node: root, next: 0, to: graph.entries }];
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const to = top.to[top.next++];
    if (to === undefined) {
      post.push(top.node);
      path.pop();
    } else if (!seen.has(to)) {
      seen.add(to);
      path.push({ node: to, next: 0, to: graph.successors(to) });
    }
  }
  return post.reverse();
}

function dominators(
  nodes: readonly number[],
  place: Int32Array,
  predecessors: readonly (readonly number[])[],
): Int32Array {
  const root = nodes[0]!;
  const dominator = new Int32Array(predecessors.length).fill(-1);
  dominator[root] = root;
  const common = (a: number, b: number) => {
    let [one, other] = [a, b];
    while (one !== other) {
      if (place[one]! > place[other]!) one = dominator[one]!;
      else other = dominator[other]!;
    }
    return one;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const node of nodes) {
      if (node === root) continue;
      let found: number | undefined;
      for (const from of predecessors[node]!) {
        if (dominator[from] === -1) continue;
        found = found === undefined ? from : common(found, from);
      }
      if (found === undefined || dominator[node] === found) continue;
      dominator[node] = found;
      changed = true;
    }
  }
  return dominator;
}
