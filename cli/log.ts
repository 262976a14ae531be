/** What a running node tells: a line each, to standard error. */

import { configureSync, getLogger, type LogRecord } from "@logtape/logtape";
import type { Log } from "../cluster/log.ts";
import type { Config } from "./config/schema.ts";
import type { CliContext } from "./context.ts";

/** Sets logging up for this process and gives the log. */
export function openLog(context: CliContext, { level, format }: Config["log"]): Log {
  const toLine = format === "json" ? jsonLine : textLine;
  configureSync({
    reset: true,
    sinks: { terminal: (record) => context.terminal.err(`${toLine(record, context)}\n`) },
    loggers: [
      {
        category: "toolkit",
        sinks: ["terminal"],
        lowestLevel: level === "warn" ? "warning" : level,
      },
      { category: ["logtape", "meta"], sinks: ["terminal"], lowestLevel: "error" },
    ],
  });
  const logger = getLogger("toolkit");
  // Messages are plain text: what comes from other nodes is never taken for a template.
  return {
    debug: (message) => logger.debug("{message}", { message }),
    info: (message) => logger.info("{message}", { message }),
    warn: (message) => logger.warn("{message}", { message }),
    error: (message) => logger.error("{message}", { message }),
  };
}

function textOfRecord(record: LogRecord): string {
  return String(record.properties["message"] ?? record.message.join(""));
}

function textLine(record: LogRecord, { errorPaint: paint }: CliContext): string {
  const time = Temporal.Instant.fromEpochMilliseconds(Math.floor(record.timestamp))
    .toZonedDateTimeISO(Temporal.Now.timeZoneId())
    .toPlainTime().toString({ smallestUnit: "second" });
  const text = textOfRecord(record);
  switch (record.level) {
    case "warning":
      return `${paint.dim(time)} ${paint.yellow("warning:")} ${text}`;
    case "error":
    case "fatal":
      return `${paint.dim(time)} ${paint.red("error:")} ${text}`;
    case "info":
      return `${paint.dim(time)} ${text}`;
    default:
      return paint.dim(`${time} ${text}`);
  }
}

function jsonLine(record: LogRecord): string {
  return JSON.stringify({
    time: new Date(record.timestamp).toISOString(),
    level: record.level === "warning" ? "warn" : record.level,
    message: textOfRecord(record),
  });
}
