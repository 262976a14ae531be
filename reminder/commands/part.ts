/** The reminder as a part for `toolkit up` and `toolkit reminder run`. */

import type { CliContext } from "../../cli/context.ts";
import type { Config } from "../../cli/config/schema.ts";
import type { Part } from "../../cli/part.ts";
import { Problem } from "../../cluster/errors.ts";
import type { Log } from "../../cluster/log.ts";
import { ReminderService } from "../service.ts";
import type { ReminderSettings } from "../settings.ts";
import { Face } from "./face.ts";

export default function reminderPart(context: CliContext, config: Config, log: Log): Part {
  const { driver } = config.gpio;
  refuseMissingHardware(driver);
  const face = new Face(context);
  const service = new ReminderService({
    reminders: config.reminder.map(settingsOf),
    maxSkewMs: config.cluster.max_clock_skew,
    buttons: [face.buttons],
    strips: [face.strip],
  });
  return {
    service,
    started: (stop) => {
      if (driver === "auto") {
        log.info("buttons and lights are simulated: real ones are not supported yet (gpio auto)");
      }
      face.open(service, stop);
      return () => face.close();
    },
  };
}

function refuseMissingHardware(driver: Config["gpio"]["driver"]): void {
  if (driver === "auto" || driver === "simulated") return;
  throw new Problem(`gpio driver "${driver}" is not supported yet`, {
    hint: 'gpio.driver = "simulated" or "auto", or --gpio simulated',
  });
}

function settingsOf(config: Config["reminder"][number]): ReminderSettings {
  const { dark_green, orange, red, blink } = config.thresholds;
  return {
    name: config.name,
    thresholds: { darkGreenMs: dark_green, orangeMs: orange, redMs: red, blinkMs: blink },
    night: config.night,
    timeZone: config.time_zone,
    snoozeMs: config.snooze,
  };
}
