/** The cluster that keys are written to: a client of it by the flags of the command line, and what its errors mean. */

import { speaksTls, TlsError } from "../../base/dial.ts";
import { type Client, connectBy } from "../../client/client.ts";
import { platformConnector } from "../../client/connector.ts";
import { NotDoneError, OutcomeUnknownError, ServerError } from "../../client/errors.ts";
import { LOGIN_CODES, LOGIN_NEEDED } from "../admin_connection.ts";
import { clientTrust, TLS_PROBE_MS, tlsFailureLine, tlsIsSpokenLine } from "../client_tls.ts";
import type { CommandContext } from "../command_context.ts";
import { readCredentials } from "../credentials.ts";
import { EXIT, Failure } from "../failures.ts";
import { showAddress } from "../peers.ts";
import { readConnectList } from "../shell/connections.ts";

/** Codes of what was not done since nobody led, or answered, in time. */
const LEADERLESS: readonly string[] = ["CLUSTERDOWN", "TRYAGAIN", "DEADLINE"];

/** Connects, with a session, so that what is repeated is done once. Throws `UsageError`, `CertificateError` and `Failure`. */
export async function openTarget(context: Pick<CommandContext, "settings" | "surroundings">): Promise<Client> {
  const { settings } = context;
  const trust = clientTrust(context);
  const endpoints = readConnectList(settings.text("connect"), { keepsNames: trust !== undefined });
  const credentials = readCredentials(settings);
  try {
    return await connectBy(platformConnector(trust), {
      servers: endpoints.map(({ hostname, port }) => showAddress(hostname, port)),
      session: true,
      timeoutMs: settings.integer("timeout-ms"),
      ...(credentials === undefined ? {} : { username: credentials.name, password: credentials.password }),
    });
  } catch (error) {
    for (const { hostname, port } of trust === undefined ? endpoints : []) {
      if (await speaksTls({ hostname, port }, TLS_PROBE_MS)) {
        throw new Failure(tlsIsSpokenLine(showAddress(hostname, port)));
      }
    }
    const tls = tlsErrorIn(error);
    throw (tls === undefined ? clientFailure(error) : new Failure(tlsFailureLine(tls))) ?? error;
  }
}

/** The first of the errors behind an error that is one of TLS. */
function tlsErrorIn(error: unknown): TlsError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof TlsError) return cause;
  return undefined;
}

/** What an error of the client means: exit code 5 without a leader, 6 for an unknown outcome, else 1. Undefined for others. */
export function clientFailure(error: unknown): Failure | undefined {
  if (error instanceof OutcomeUnknownError) return new Failure(error.message, EXIT.unknown);
  if (error instanceof NotDoneError) {
    return new Failure(error.message, LEADERLESS.includes(error.code) ? EXIT.noLeader : EXIT.failure);
  }
  if (!(error instanceof ServerError)) return undefined;
  return new Failure(LOGIN_CODES.includes(error.code) ? LOGIN_NEEDED : error.message);
}
