/** What the cluster needs of a log. The commands hand in a real one, the simulator none. */

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export const NO_LOG: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};
