/** Accepting, with a listener that fails as the kernel does. */

import assert from "node:assert/strict";
import { acceptAll } from "../../cluster/accept.ts";

/** Fails in these ways, one after the other, and then has one caller. */
function listenerWith(errors: readonly Error[], caller: Deno.TcpConn): Deno.TcpListener {
  const left = [...errors];
  const accept = () => {
    const error = left.shift();
    return error === undefined ? Promise.resolve(caller) : Promise.reject(error);
  };
  return { accept } as unknown as Deno.TcpListener;
}

Deno.test("acceptAll() goes on at once behind callers that have gone, and tells what is lacking", async () => {
  const caller = {} as Deno.TcpConn;
  const gone = Array.from(
    { length: 5_000 },
    (_, i) => i % 2 === 0 ? new Deno.errors.NotConnected() : new Deno.errors.ConnectionAborted(),
  );
  const lacking = new Error("too many open files");
  const told: unknown[] = [];
  const accepted: Deno.TcpConn[] = [];
  // With a pause for each of them this would take eight minutes.
  await acceptAll(listenerWith([...gone, lacking], caller), {
    isClosed: () => accepted.length > 0,
    accepted: (connection) => accepted.push(connection),
    failing: (error) => told.push(error),
  });
  assert.deepEqual([accepted, told], [[caller], [lacking]]);
});
