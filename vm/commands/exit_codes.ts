/** As in <sysexits.h>: the codes below 64 are the program's own. */
export const VmExit = {
  usage: 64,
  data: 65,
  noInput: 66,
  outputLost: 74,
  brokenPipe: 141,
} as const;
