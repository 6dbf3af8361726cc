/**
 * The ports of a page. Pages speak of nodes on the ports 5000 to 5009, HTTP on 8000 to 8009 and peers on 15000 to 15009, as a reader
 * has them; a run has others in their place, which are free.
 */

import { findFreeRun } from "../support/ports.ts";

const FIRST = 5_000;
const COUNT = 10;
const OFFSETS: readonly number[] = [0, 3_000, 10_000];
const ON_PAGES = /(?<![\w.-])(?:500|800|1500)\d(?![\w.-])/g;

/** Where the nodes of one run listen in place of the ports of the page. */
export class PagePorts {
  /** In place of 5000. */
  readonly first: number = findFreeRun(
    OFFSETS.flatMap((offset) => Array.from({ length: COUNT }, (_, n) => offset + n)),
  );

  /** Commands of the page as they are run. */
  toRun(commands: string): string {
    return commands.replaceAll(ON_PAGES, (port) => String(Number(port) - FIRST + this.first));
  }

  /** What they printed as the page shows it. */
  toPage(output: string): string {
    return output.replaceAll(/(?<!\d)\d{5}(?!\d)/g, (number) => {
      const distance = Number(number) - this.first;
      const isOurs = OFFSETS.some((offset) => distance >= offset && distance < offset + COUNT);
      return isOurs ? String(FIRST + distance) : number;
    });
  }
}
