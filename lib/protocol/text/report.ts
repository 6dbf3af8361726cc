/** The form of every reply of several lines: a title, `Name: value` lines, and an empty line that ends it. */

/** One `Name: value` line. */
export type ReportLine = readonly [name: string, value: string | number];

/** The whole reply but for the end of its last, empty line. Names and values are byte strings without line ends. */
export function formatReport(title: string, lines: readonly ReportLine[]): string {
  let text = `${title}\n`;
  for (const [name, value] of lines) text += `${name}: ${value}\n`;
  return text;
}
