import assert from "node:assert/strict";
import { type NodeId, nodeIdOfBytes } from "../../cluster/ids.ts";
import { Members } from "../../cluster/membership/members.ts";
import { Rota } from "../../cluster/membership/rota.ts";
import { SeededRandom } from "../../cluster/random.ts";

/** The rotas of that many nodes that all know one another. */
function rotas(size: number): { ids: NodeId[]; tables: Members[]; rotas: Rota[] } {
  const random = new SeededRandom(3);
  const ids = Array.from(
    { length: size },
    () => nodeIdOfBytes(Uint8Array.from({ length: 16 }, () => random.u32() & 0xff)),
  );
  const tables = ids.map((self) => {
    const members = new Members(random);
    for (const id of ids) if (id !== self) members.add(id, { incarnation: 0, state: "alive" }, 0);
    return members;
  });
  return { ids, tables, rotas: ids.map((self, i) => new Rota(self, tables[i]!)) };
}

Deno.test("in each period every member is probed by exactly one other", () => {
  for (const size of [2, 3, 5, 50]) {
    const { ids, rotas: all } = rotas(size);
    for (const period of [0, 1, 7, 7_069_000_123]) {
      const probed = all.map((rota) => rota.target(period)?.id);
      assert.deepEqual([...probed].sort(), [...ids].sort(), `${size} nodes, period ${period}`);
    }
  }
});

Deno.test("in as many periods as there are others each node probes all of them", () => {
  const { ids, rotas: [first] } = rotas(50);
  const probed = new Set(ids.slice(1).map((_, period) => first!.target(1_000 + period)?.id));
  assert.deepEqual([...probed].sort(), ids.slice(1).sort());
  assert.equal(first!.size, 49);
});

Deno.test("who does not live has no turn, and nobody is left out for that", () => {
  const { ids, tables, rotas: all } = rotas(5);
  for (const members of tables.slice(1)) {
    members.change(ids[0]!, { incarnation: 0, state: "failed" }, 0);
  }
  for (const rota of all) rota.changed();
  for (let period = 0; period < 8; period++) {
    const probed = all.slice(1).map((rota) => rota.target(period)?.id);
    assert.deepEqual([...probed].sort(), ids.slice(1).sort());
  }
});

Deno.test("a node that is alone probes nobody", () => {
  assert.equal(rotas(1).rotas[0]!.target(5), undefined);
});
