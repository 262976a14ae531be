/** A worker's thread: jobs, and the messages that drive them. It opens no files and no sockets. */

import { Jobs } from "./jobs.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

interface WorkerScope {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}

const scope = globalThis as unknown as WorkerScope;
/** Messages that were sent to this worker, counted by who sends them. */
let sent: Int32Array = new Int32Array(1);
let received = 0;

const jobs = new Jobs({
  post: (message) => {
    const transfer = message.type === "output" ? [message.bytes.buffer as ArrayBuffer] : [];
    scope.postMessage(message, transfer);
  },
  hasMail: () => Atomics.load(sent, 0) !== received,
  later: (run) => void setTimeout(run, 0),
});

scope.onmessage = ({ data }) => {
  if (data.type === "hello") sent = data.sent;
  received = received + 1 | 0;
  if (data.type !== "hello") jobs.receive(data);
};
