/** TLS of the commands that talk to a cluster: what the flags say, and what a failure of it means for whoever typed them. */

import type { Identity, TlsError, TlsProblem, Trust } from "../base/dial.ts";
import { readAuthorities } from "../tls/files.ts";
import { machineNames } from "../tls/names.ts";
import { readPair } from "../tls/pair_files.ts";
import type { CommandContext } from "./command_context.ts";
import type { Settings } from "./settings.ts";
import { UsageError } from "./usage_error.ts";

/** How long a node that refuses, or does not answer, may take to show that it speaks TLS, in ms. */
export const TLS_PROBE_MS = 500;

/** What to do about it. */
const REMEDIES: Readonly<Record<TlsProblem, string>> = {
  UnknownIssuer: "--tls-ca FILE names the CA that signed it",
  Expired: "kvstore tls renew gives it new dates",
  NotYetValid: "is the clock of this machine right?",
  WrongName: "connect by one of its names, or give that one as --tls-server-name",
  NoTls: "give the port that --tls-port of the node names, or leave TLS out",
  Failed: "the log of the node says more",
};

/**
 * Reads `--tls`, `--tls-ca` and the flags around them; undefined for no TLS. From then on this process trusts the CA of `--tls-ca` and no other,
 * or without it those of the system. Throws `UsageError` and `CertificateError`.
 */
export function clientTrust(
  { settings, surroundings }: Pick<CommandContext, "settings" | "surroundings">,
): Trust | undefined {
  const [ca, serverName] = [settings.optionalText("tls-ca"), settings.optionalText("tls-server-name")];
  const wanted = settings.given("tls")?.value ?? ca !== undefined;
  if (wanted !== true) {
    const other = (["tls-server-name", "tls-client-cert", "tls-client-key"] as const).find((flag) =>
      settings.optionalText(flag) !== undefined
    );
    if (other !== undefined) throw new UsageError(`--${other} goes with --tls or --tls-ca`);
    return undefined;
  }
  if (serverName !== undefined) machineNames([serverName]);
  const identity = ownIdentity(settings);
  if (identity !== undefined && serverName !== undefined) {
    throw new UsageError(
      "--tls-server-name does not go with --tls-client-cert: connect by a name that the certificates of the nodes have",
    );
  }
  const caCerts = ca === undefined ? [] : [readAuthorities(ca)];
  surroundings.trustRoots(ca === undefined ? "System" : "None");
  return { caCerts, serverName, ...(identity === undefined ? {} : { identity }) };
}

/** What is shown to nodes that ask for a certificate; undefined for none. Throws `UsageError` and `CertificateError`. */
function ownIdentity(settings: Settings): Identity | undefined {
  const [certificate, key] = [settings.optionalText("tls-client-cert"), settings.optionalText("tls-client-key")];
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined) {
    throw new UsageError("--tls-client-cert and --tls-client-key go together; kvstore tls client makes both");
  }
  const pair = readPair({ certificate, key }, { now: Date.now(), purpose: "client" });
  return { cert: pair.certificate, key: pair.key };
}

/** One line: what is wrong, and what to do. */
export function tlsFailureLine({ message, problem }: TlsError): string {
  return `${message}; ${REMEDIES[problem]}`;
}

/** The line for somebody who has left TLS out. */
export function tlsIsSpokenLine(address: string): string {
  return `${address} speaks TLS: give --tls-ca FILE with the CA of its certificate, or --tls for one of the system's CAs`;
}
