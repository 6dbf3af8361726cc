/** Reads the flags by which a node speaks TLS, and refuses those that do not fit together. */

import type { ServerOptions } from "../cluster/server_types.ts";
import { CLIENT_NAME_KINDS } from "../tls/client_names.ts";
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
  const clientUser = CLIENT_NAME_KINDS.find((kind) => kind === settings.optionalText("tls-client-user"));
  if (clientUser !== undefined && clientAuthorities === undefined) {
    throw new UsageError("--tls-client-user needs --tls-client-ca: the CAs whose clients are let in as users");
  }
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
      ...(clientUser === undefined ? {} : { clientUser }),
      clientPort,
      httpPort,
      ca: settings.optionalText("tls-ca"),
    },
  };
}

/** Nothing where no flag of TLS between nodes is given. Throws `UsageError`. */
export function peerTlsOptions(settings: Settings): Pick<ServerOptions, "peerTls"> {
  const flags = ["peer-tls-cert", "peer-tls-key", "peer-tls-ca"] as const;
  const [certificate, key, authorities] = flags.map((flag) => settings.optionalText(flag));
  const alsoPlain = settings.text("peer-tls") === "allow";
  if (!alsoPlain && [certificate, key, authorities].every((value) => value === undefined)) return {};
  if (certificate !== undefined && key !== undefined && authorities !== undefined) {
    return { peerTls: { certificate, key, authorities, ...(alsoPlain ? { alsoPlain } : {}) } };
  }
  throw new UsageError(
    "TLS between nodes needs --peer-tls-cert, --peer-tls-key and --peer-tls-ca; kvstore tls init makes all three",
  );
}

function refuseSharedPort(
  flag: string,
  port: number | undefined,
  { others }: { readonly others: readonly (number | undefined)[] },
): void {
  if (port === undefined || !others.includes(port)) return;
  throw new UsageError(`${flag} ${port} is another port of this node already; change one of them`);
}
