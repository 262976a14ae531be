/** A worker's thread: jobs, and the messages that drive them. It opens no files and no sockets. */

import { Jobs } from "./jobs.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

interface WorkerScope {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}

const scope = globalThis as unknown as WorkerScope;

// A message to ourselves comes behind those that wait; a timer would cost a millisecond each time.
const { port1, port2 } = new MessageChannel();
const waiting: (() => void)[] = [];
port1.onmessage = () => waiting.shift()?.();

const jobs = new Jobs({
  post: (message) => {
    const transfer = message.type === "output" ? [message.bytes.buffer as ArrayBuffer] : [];
    scope.postMessage(message, transfer);
  },
  later: (run) => {
    waiting.push(run);
    port2.postMessage(null);
  },
  now: () => performance.now(),
});

scope.onmessage = ({ data }) => jobs.receive(data);
