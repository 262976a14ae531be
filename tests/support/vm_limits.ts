/** The limits of the VM as they are without any configuration. */

import * as v from "valibot";
import { ConfigSchema } from "../../cli/config/schema.ts";
import { limitsOf } from "../../vm/commands/settings.ts";
import type { VmLimits } from "../../vm/limits.ts";

export const DEFAULT_VM_LIMITS: VmLimits = limitsOf(v.parse(ConfigSchema, {}));
