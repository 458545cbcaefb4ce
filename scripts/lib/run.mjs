/** Runs commands, and tells people what runs and why. */

import { spawn } from "node:child_process";
import { environment, root } from "./paths.mjs";

/** A command that could not start or did not succeed. Its message is for people. */
export class CommandFailed extends Error {}

/** One line for people. */
export const say = (line) => console.log(line);

/**
 * Runs a command in the repository, passing its output through.
 *
 * Answers its exit code and all it printed, whatever the code: a test runner that fails
 * has still counted its tests.
 */
export function attempt(command, args, { env, quiet = false } = {}) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, {
      cwd: root,
      env: environment(env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const pass = (from, to) => {
      from.setEncoding("utf8");
      from.on("data", (text) => {
        output += text;
        if (!quiet) to.write(text);
      });
    };
    pass(child.stdout, process.stdout);
    pass(child.stderr, process.stderr);
    child.on("error", (cause) => failed(new CommandFailed(`${command} could not be started: ${cause.message}`, { cause })));
    child.on("close", (code, signal) => done({ code: code ?? 1, signal, output }));
  });
}

/** Like `attempt`, but a non-zero exit is an error. Answers what it printed. */
export async function run(command, args, options = {}) {
  const { code, signal, output } = await attempt(command, args, options);
  if (code === 0) return output;
  const how = signal ? `was ended by ${signal}` : `ended with ${code}`;
  const shown = options.quiet ? `\n${output.trimEnd()}` : "";
  throw new CommandFailed(`${[command, ...args].join(" ")} ${how}${shown}`);
}

/** What a command prints, or undefined where it is missing or fails. */
export async function ask(command, args) {
  try {
    return (await run(command, args, { quiet: true })).trim();
  } catch (error) {
    if (error instanceof CommandFailed) return undefined;
    throw error;
  }
}

/** Seconds that some work took, to one decimal, beside its result. */
export async function timed(work) {
  const start = performance.now();
  const result = await work();
  return { result, seconds: Math.round((performance.now() - start) / 100) / 10 };
}

/** Runs a script's main job; an error that is meant for people prints without its stack. */
export async function main(job) {
  try {
    await job();
  } catch (error) {
    console.error(error instanceof CommandFailed ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
