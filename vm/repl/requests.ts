/** What a session asks of the host that it runs on: things that need files, other threads or the cluster. */

export type Request =
  /** The bytes of a file. */
  | { readonly type: "file"; readonly path: string }
  /** To run a file in the background. */
  | { readonly type: "spawn"; readonly path: string }
  | { readonly type: "ps" }
  | { readonly type: "kill"; readonly pid: number }
  | { readonly type: "start_cluster" }
  | { readonly type: "join_cluster"; readonly host: string; readonly port: number }
  | { readonly type: "cluster_members" };

export type Answer =
  /** What there is to tell; also why something could not be done. */
  | { readonly type: "lines"; readonly lines: readonly string[] }
  | { readonly type: "file"; readonly path: string; readonly bytes: Uint8Array };
