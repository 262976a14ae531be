/** docs/repl.md: what it shows is what happens. */

import assert from "node:assert/strict";
import { BANNER, PROMPT, Session } from "../../vm/repl/session.ts";

const ROOT = new URL("../../", import.meta.url);

/** Enters the lines behind the prompts of a conversation, and gives the conversation that this makes. */
async function replay(shown: string): Promise<string> {
  let told = "";
  const decoder = new TextDecoder();
  const session = new Session({
    write: (bytes) => (told += decoder.decode(bytes)),
    hasRoom: () => true,
    clockMs: () => 0,
    random32: () => 0,
  });
  if (shown.startsWith(BANNER)) session.say(BANNER);
  for (const line of shown.split("\n").filter((line) => line.startsWith(PROMPT))) {
    session.transcript.endLine();
    told += `${line}\n`;
    session.enter(line.slice(PROMPT.length));
    for (;;) {
      const { state } = session;
      if (state.kind === "running") session.run(1_000);
      else if (state.kind === "asking" && state.request.type === "file") {
        const { path } = state.request;
        session.answer({ type: "file", path, bytes: await Deno.readFile(new URL(path, ROOT)) });
      } else break;
    }
  }
  return told;
}

Deno.test("the conversations in docs/repl.md are true", async () => {
  const page = await Deno.readTextFile(new URL("docs/repl.md", ROOT));
  const shown = [...page.matchAll(/```\n([^`]*>>> [^`]*)```/g)].map(([, text]) => text!);
  assert.equal(shown.length, 2);
  for (const conversation of shown) assert.equal(await replay(conversation), conversation);
});
