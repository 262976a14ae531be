/** The command line: a flat table of commands, each loaded only when it is called. */

import {
  type Application,
  ArgumentScannerError,
  buildApplication,
  buildCommand,
  buildRouteMap,
  type Command,
  formatMessageForArgumentScannerError,
  help,
  type RouteMap,
  run,
  text_en,
} from "@stricli/core";
import { CliContext } from "./context.ts";
import { exitCodeOf, formatFailure } from "./failure.ts";
import { nearest } from "../cluster/nearest.ts";

export type CommandTarget = Command<CliContext> | RouteMap<CliContext>;

export interface CommandEntry {
  readonly brief: string;
  readonly load: () => Promise<CommandTarget>;
  /** The subcommand that is meant when none is named. */
  readonly defaultSubcommand?: string;
  /** Subcommands that do not end with 2 when they are used wrongly. */
  readonly usageExitCodes?: Readonly<Record<string, number>>;
}

export type CommandTable = Readonly<Record<string, CommandEntry>>;

const USAGE_EXIT_CODE = 2;
/** stricli's own codes for input that it cannot read. */
const STRICLI_USAGE_CODES: readonly unknown[] = [-4, -5, 252, 251];

/** Runs one command line; gives the exit code. */
export async function runCommandLine(
  table: CommandTable,
  version: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const context = new CliContext(env);
  const [name, ...rest] = args;
  if (name === "--version" || name === "-v" || name === "version") {
    context.print(`toolkit ${version}`);
    return 0;
  }
  const debug = args.some((arg, i) =>
    arg === "--log-level=debug" || (arg === "--log-level" && args[i + 1] === "debug")
  );
  if (name !== undefined && !name.startsWith("-") && !Object.hasOwn(table, name)) {
    const near = nearest(name, Object.keys(table));
    const suggestion = near === undefined ? "" : `, did you mean "${near}"?`;
    context.note(`${context.errorPaint.red("error:")} no command "${name}"${suggestion}`);
    if (near === undefined) context.note("  try: toolkit --help");
    return USAGE_EXIT_CODE;
  }
  const app = await applicationFor(table, args, context, debug);
  await run(app, withDefault(table, name, rest, args), context);
  const { failure } = context.terminal;
  if (failure !== undefined) {
    context.note(`${context.errorPaint.red("error:")} cannot write to standard output: ${failure}`);
    return 1;
  }
  const { exitCode } = context.process;
  if (STRICLI_USAGE_CODES.includes(exitCode)) {
    return table[name ?? ""]?.usageExitCodes?.[rest[0] ?? ""] ?? USAGE_EXIT_CODE;
  }
  return typeof exitCode === "number" ? exitCode : 0;
}

/** `toolkit reminder --json` means `toolkit reminder run --json`. */
function withDefault(
  table: CommandTable,
  name: string | undefined,
  rest: readonly string[],
  args: readonly string[],
): readonly string[] {
  const subcommand = name === undefined ? undefined : table[name]?.defaultSubcommand;
  const first = rest[0];
  const named = first !== undefined && !first.startsWith("-");
  if (subcommand === undefined || named || isHelp(first)) return args;
  return [name!, subcommand, ...rest];
}

function isHelp(arg: string | undefined): boolean {
  return arg === "--help" || arg === "-h";
}

async function applicationFor(
  table: CommandTable,
  args: readonly string[],
  context: CliContext,
  debug: boolean,
): Promise<Application<CliContext>> {
  const [called, subcommand] = args;
  const routes: Record<string, CommandTarget> = {};
  for (const [name, entry] of Object.entries(table)) {
    routes[name] = name === called ? await entry.load() : listedOnly(entry.brief);
  }
  const root = buildRouteMap<string, CliContext>({
    routes,
    docs: {
      brief: "makes a handful of small machines act as one",
      fullDescription: "toolkit makes a handful of small machines act as one.\n\n" +
        "First steps:\n" +
        "  toolkit up                  run this host's node with every part\n" +
        "  toolkit reminder status     what it shows\n" +
        "  toolkit cluster members     who is there\n" +
        "  toolkit --version           which one this is",
    },
  });
  const target = called === undefined ? undefined : routes[called];
  const isGroup = target !== undefined && "getRoutingTargetForInput" in target;
  const words = isGroup && subcommand !== undefined && !subcommand.startsWith("-")
    ? [called, subcommand]
    : [called ?? ""];
  const failure = (error: unknown) => formatFailure(error, context.errorPaint, debug);
  const formatting = {
    useAliasInUsageLine: false,
    onlyRequiredInUsageLine: true,
    caseStyle: "convert-camel-to-kebab",
  } as const;
  return buildApplication(root, {
    name: "toolkit",
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    documentation: { ...formatting, disableAnsiColor: true },
    determineExitCode: exitCodeOf,
    localization: {
      text: {
        ...text_en,
        noCommandRegisteredForInput: ({ input, corrections }) => {
          const near = nearest(input, corrections.map((name) => name.replaceAll("`", "")));
          const suggestion = near === undefined ? "" : `, did you mean "${near}"?`;
          const tip = near === undefined ? `\n  try: toolkit ${called ?? ""} --help` : "";
          return `${context.errorPaint.red("error:")} no command "${input}"${suggestion}${tip}`;
        },
        exceptionWhileParsingArguments: (error) => {
          const message = error instanceof ArgumentScannerError
            ? usageText(error)
            : String(error instanceof Error ? error.message : error);
          const help = ["toolkit", ...words, "--help"].join(" ");
          return `${context.errorPaint.red("error:")} ${message}\n  ${
            context.errorPaint.dim("try:")
          } ${help}`;
        },
        exceptionWhileLoadingCommandFunction: failure,
        exceptionWhileLoadingCommandContext: failure,
        exceptionWhileRunningCommand: failure,
        commandErrorResult: failure,
      },
    },
  }, {
    help: help({
      brief: "show this help",
      alias: "h",
      defaultForRouteMap: true,
      includeHidden: false,
      formatting,
    }),
  });
}

/** Our wording for what stricli finds wrong. */
function usageText(error: ArgumentScannerError): string {
  return formatMessageForArgumentScannerError(error, {
    FlagNotFoundError: ({ input, corrections }) => {
      const near = nearest(input, corrections);
      return `no flag ${input}${near === undefined ? "" : `, did you mean ${near}?`}`;
    },
    AliasNotFoundError: ({ input }) => `no flag -${input}`,
    ArgumentParseError: ({ externalFlagNameOrPlaceholder: what, input, exception }) => {
      const why = exception instanceof Error ? exception.message : String(exception);
      return `${what} is ${JSON.stringify(input)}: ${why}`;
    },
    EnumValidationError: ({ externalFlagName, input, values }) =>
      `--${externalFlagName} is ${JSON.stringify(input)}: expected ${values.join(", ")}`,
    UnsatisfiedFlagError: ({ externalFlagName }) =>
      `--${externalFlagName} and its value are missing`,
    UnexpectedPositionalError: ({ input }) => `${JSON.stringify(input)} is one argument too many`,
    UnsatisfiedPositionalError: ({ placeholder }) => `${placeholder} is missing`,
    UnexpectedFlagError: ({ externalFlagName }) => `--${externalFlagName} is given twice`,
  });
}

/** A command that was not called: it is only there to be listed. */
function listedOnly(brief: string): CommandTarget {
  return buildCommand<Record<never, never>, [], CliContext>({
    func: () => {},
    parameters: {},
    docs: { brief },
  });
}
