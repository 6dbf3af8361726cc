/** What the connections of one HTTP port share. */

import type { RequestRates } from "../../access/request_rates.ts";
import type { NodeLog } from "../../node/options.ts";
import type { Counter } from "../../observe/metrics.ts";
import type { OutputContext } from "../../net/socket_output.ts";
import type { TurnBudget } from "../../net/turn_budget.ts";
import type { HttpHandler } from "../http.ts";
import type { ConnectionLoginContext } from "./connection_login.ts";
import type { HttpDate } from "./http_date.ts";
import type { HttpTimes } from "./limits.ts";
import type { RequestIds } from "./reply_head.ts";

/** The server as its connections see it. */
export interface HttpConnectionContext extends OutputContext, ConnectionLoginContext {
  readonly handler: HttpHandler;
  /** How many requests a second are begun; undefined for any number. */
  readonly rates: RequestRates | undefined;
  readonly times: HttpTimes;
  readonly turns: TurnBudget;
  readonly date: HttpDate;
  readonly ids: RequestIds;
  readonly bytesReceived: Counter;
  /** Requests that the server answered by itself. */
  readonly refused: Counter;
  readonly log: NodeLog;
  /** Logs a warning that any client can cause: at most one line each second. */
  readonly warn: (message: string) => void;
}
