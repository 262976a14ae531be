import type { CliContext } from "../../cli/context.ts";
import { parseHostPort } from "../../cluster/address.ts";
import { ExitCode, messageOf } from "../../cluster/errors.ts";
import type { AttachFlags } from "./session_commands.ts";
import { RemoteSession } from "../remote/client.ts";
import { readToken } from "../remote/token.ts";
import { complete } from "../repl/completion.ts";
import type { SessionInput } from "../repl/channel.ts";
import { EndSignals } from "./end_signals.ts";
import { linesOf } from "./lines_of.ts";
import { LocalFront } from "./local_front.ts";
import { VmExit } from "./exit_codes.ts";

const DEFAULT_PORT = 2244;

export default async function attach(
  this: CliContext,
  flags: AttachFlags,
  address: string,
): Promise<void> {
  const tokenFile = flags.tokenFile ?? this.env["TOOLKIT_VM_TOKEN_FILE"];
  const token = tokenFile === undefined ? undefined : await readToken(tokenFile);
  const session = await RemoteSession.open(parseHostPort(address, DEFAULT_PORT), token);
  const send = (input: SessionInput): void => {
    // Whoever hung up is told by the end of what it sends.
    session.send(input).catch(() => {});
  };
  const lines = linesOf(
    this,
    () => send({ type: "interrupt" }),
    (before) => complete(before, front.labels),
  );
  const front = new LocalFront(lines);
  const signals = new EndSignals();
  try {
    const over = listen(session, front).then((reason) => {
      if (front.isBroken) return VmExit.brokenPipe;
      if (reason !== undefined) this.note(`error: ${reason}`);
      return reason === undefined ? ExitCode.done : ExitCode.failed;
    });
    this.process.exitCode = await front.converse(
      send,
      Promise.race([over, signals.first]),
      undefined,
    );
  } finally {
    lines.close();
    session.close();
    signals.close();
  }
}

/** Shows what comes until it ends; gives the reason if that was none of the user's. */
async function listen(session: RemoteSession, front: LocalFront): Promise<string | undefined> {
  try {
    for (;;) {
      const message = await session.next();
      if (message === undefined) return "the other side has hung up";
      switch (message.type) {
        case "output":
          await front.output(message.bytes);
          break;
        case "lines":
          await front.lines(message.bytes);
          break;
        case "wants":
          front.wants(message);
          break;
        case "ended":
          return message.reason;
      }
    }
  } catch (error) {
    return messageOf(error);
  }
}
