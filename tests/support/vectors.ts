/** Published test vectors; they are kept beside the project, not in it. */

const PLACES = [
  Deno.env.get("TOOLKIT_TEST_VECTORS"),
  new URL("../../../shared/data", import.meta.url).pathname,
];

/** The text of a file of vectors; undefined, which is said, where it is not to be found. */
export function vectors(name: string): string | undefined {
  for (const folder of PLACES) {
    if (folder === undefined) continue;
    try {
      return Deno.readTextFileSync(`${folder}/${name}`);
    } catch {
      // Not here.
    }
  }
  if (Deno.env.has("TOOLKIT_TEST_ALL")) {
    throw new Error(`all tests are to run, but there is no ${name}: set TOOLKIT_TEST_VECTORS`);
  }
  // deno-lint-ignore no-console -- what is ignored is said
  console.log(`ignored: no ${name} (TOOLKIT_TEST_VECTORS names its folder)`);
  return undefined;
}
