/** Which functions of the program have been called: V8's precise coverage of this process. */

import { Session } from "node:inspector";
import { projectPath } from "../tidy/project.ts";

interface Covered {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly startOffset: number; readonly count: number }[];
    }[];
  }[];
}

/** Counts from `start` on. */
export class CalledFunctions {
  readonly #session = new Session();

  /** From here on calls are counted. */
  async start(): Promise<void> {
    this.#session.connect();
    await this.#post("Profiler.enable");
    await this.#post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  }

  /** The files of `lib` in which a function was called since the last look, but for what runs when a module is loaded. */
  async take(): Promise<readonly string[]> {
    const { result } = await this.#post("Profiler.takePreciseCoverage") as Covered;
    return result.filter(({ functions }) =>
      functions.some(({ ranges: [range] }) => range !== undefined && range.startOffset > 0 && range.count > 0)
    ).map(({ url }) => projectPath(url)).filter((path) => path.startsWith("lib/"));
  }

  /** Nothing is counted any more. */
  async stop(): Promise<void> {
    await this.#post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }

  #post(method: string, parameters: object = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#session.post(method, parameters, (error, result) => error === null ? resolve(result) : reject(error));
    });
  }
}
