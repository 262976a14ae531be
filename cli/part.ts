/** How a part of the program is put into a node that a command runs. */

import type { Log } from "../cluster/log.ts";
import type { Service } from "../cluster/service.ts";
import type { Config } from "./config/schema.ts";
import type { CliContext } from "./context.ts";

export interface Part {
  readonly service: Service;
  /** The node runs; `stop` ends it. What is returned is called before the process ends. */
  readonly started?: (stop: () => void) => () => void;
}

/** Makes a part from the configuration; throws a Problem if it cannot run here. */
export type PartMaker = (context: CliContext, config: Config, log: Log) => Part;
