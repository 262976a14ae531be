/**
 * Tools from Debian that some tests need. On a laptop a test without them is ignored and says so; with
 * TOOLKIT_TEST_ALL set, as in CI, a missing tool is a failure.
 */

const everything = Deno.env.has("TOOLKIT_TEST_ALL");

export function isInstalled(tool: string): boolean {
  const folders = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`.split(":");
  return folders.some((folder) => {
    try {
      return Deno.statSync(`${folder}/${tool}`).isFile;
    } catch {
      return false;
    }
  });
}

/** For `ignore` of a test that runs these tools. */
export function lacks(...tools: readonly string[]): boolean {
  return unmet(tools.filter((tool) => !isInstalled(tool)));
}

/** For `ignore` of a test that makes network namespaces, and runs these tools in them. */
export function lacksNamespaces(...tools: readonly string[]): boolean {
  const missing = ["ip", "nft", ...tools].filter((tool) => !isInstalled(tool));
  if (missing.length === 0 && !canMakeNamespaces()) missing.push("permission for ip netns");
  return unmet(missing);
}

function unmet(missing: readonly string[]): boolean {
  if (missing.length === 0) return false;
  if (everything) throw new Error(`all tests are to run, but there is no ${missing.join(", ")}`);
  // deno-lint-ignore no-console -- what is ignored is said
  console.log(`ignored: no ${missing.join(", ")}`);
  return true;
}

function canMakeNamespaces(): boolean {
  const name = `tkprobe${Deno.pid}`;
  const run = (...args: string[]) => new Deno.Command("ip", { args, stderr: "null" }).outputSync();
  if (!run("netns", "add", name).success) return false;
  run("netns", "del", name);
  return true;
}
