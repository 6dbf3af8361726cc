/** Reads the flags by which a node speaks TLS with its clients, and refuses those that do not fit together. */

import type { ServerOptions } from "../cluster/server_types.ts";
import type { Settings } from "./settings.ts";
import { UsageError } from "./usage_error.ts";

/** The ports of a node that are not for TLS, or not for TLS alone. */
export interface PlainPorts {
  readonly port: number;
  readonly peerPort: number;
  readonly httpPort: number;
}

/** Nothing where no flag of TLS is given. Throws `UsageError`. */
export function tlsOptions(settings: Settings, plain: PlainPorts): Pick<ServerOptions, "tls"> {
  const [certificate, key] = [settings.optionalText("tls-cert"), settings.optionalText("tls-key")];
  const [clientPort, httpPort] = [settings.optionalInteger("tls-port"), settings.optionalInteger("http-tls-port")];
  const clientAuthorities = settings.optionalText("tls-client-ca");
  if ([certificate, key, clientPort, httpPort, clientAuthorities].every((value) => value === undefined)) return {};
  if (certificate === undefined || key === undefined) {
    throw new UsageError("TLS needs --tls-cert and --tls-key; kvstore tls init makes both");
  }
  if (clientPort === undefined && httpPort === undefined) {
    throw new UsageError(
      "--tls-cert and --tls-key need a port to be used on: give --tls-port, --http-tls-port or both",
    );
  }
  refuseSharedPort("--tls-port", clientPort, { others: [plain.peerPort, plain.httpPort] });
  refuseSharedPort("--http-tls-port", httpPort, { others: [plain.peerPort, plain.port, clientPort] });
  return {
    tls: {
      paths: { certificate, key },
      ...(clientAuthorities === undefined ? {} : { clientAuthorities }),
      clientPort,
      httpPort,
      ca: settings.optionalText("tls-ca"),
    },
  };
}

function refuseSharedPort(
  flag: string,
  port: number | undefined,
  { others }: { readonly others: readonly (number | undefined)[] },
): void {
  if (port === undefined || !others.includes(port)) return;
  throw new UsageError(`${flag} ${port} is another port of this node already; change one of them`);
}
