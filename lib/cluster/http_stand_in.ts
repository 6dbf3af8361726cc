/** Answers HTTP while there are no routes: every path is unknown. */

import type { HttpHandler } from "../protocol/http/http.ts";

/** Takes no body and knows no path. */
export const HTTP_STAND_IN: HttpHandler = {
  judge: () => 0,
  handle: () => ({ status: 404, headers: [["Content-Type", "text/plain"]], body: "Not found\n" }),
};
