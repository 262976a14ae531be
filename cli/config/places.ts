/** Where a config file may be, and whether there is anything configured at all. */

/** Names the file, not a setting in it. */
export const ENV_CONFIG = "TOOLKIT_CONFIG";
export const ENV_PREFIX = "TOOLKIT_";

/** In the order in which they are looked at, if no file is named. */
export function configPlaces(env: Readonly<Record<string, string>>): string[] {
  const home = env["XDG_CONFIG_HOME"] ?? (env["HOME"] && `${env["HOME"]}/.config`);
  return [
    "toolkit.toml",
    ...(home ? [`${home}/toolkit/config.toml`] : []),
    "/etc/toolkit/config.toml",
  ];
}

/** Costs a fraction of a millisecond, where reading and checking a configuration takes thirty. */
export async function isConfigured(env: Readonly<Record<string, string>>): Promise<boolean> {
  if (Object.keys(env).some((name) => name.startsWith(ENV_PREFIX))) return true;
  for (const place of configPlaces(env)) {
    try {
      await Deno.stat(place);
      return true;
    } catch {
      // The next one; what cannot be looked at is told by whoever needs it.
    }
  }
  return false;
}
