/** `kvstore cluster --tls`: what each node is started with, and whom the launcher believes. */

import type { Trust } from "../base/dial.ts";
import { certificateOf, ensureCertificates } from "../cluster/local_certificates.ts";
import type { NodeId } from "../raft/types.ts";
import { readAuthorities } from "../tls/files.ts";
import { whyNoTls } from "../tls/terminator.ts";
import type { CommandContext } from "./command_context.ts";
import { Failure } from "./failures.ts";
import { isWildcard } from "./peers.ts";
import type { Settings } from "./settings.ts";

/** Flags of a node that speaks TLS alone, with clients, on HTTP and with other nodes. Empty without `--tls`. */
export function tlsFlags(
  settings: Settings,
  directory: string,
  { id, port, httpPort }: { readonly id: NodeId; readonly port: number; readonly httpPort: number },
): readonly string[] {
  if (!settings.enabled("tls")) return [];
  const { certificate, key, ca } = certificateOf(directory, id);
  const ports = ["--tls-port", port, "--http-tls-port", httpPort].map(String);
  const peers = ["--peer-tls-cert", certificate, "--peer-tls-key", key, "--peer-tls-ca", ca];
  return ["--tls-cert", certificate, "--tls-key", key, "--tls-ca", ca, ...ports, ...peers];
}

/** Where the CA of the cluster is, for whoever connects to it; undefined without `--tls`. */
export function caPathOf(settings: Settings, directory: string): string | undefined {
  return settings.enabled("tls") ? certificateOf(directory, 0).ca : undefined;
}

/** Makes and renews the certificates of these nodes. Undefined without `--tls`. Throws `CertificateError` and `Failure`. */
export function prepareTls(
  { settings, surroundings }: Pick<CommandContext, "settings" | "surroundings">,
  directory: string,
  { ids, denoVersion = Deno.version.deno }: { readonly ids: readonly NodeId[]; readonly denoVersion?: string },
): Trust | undefined {
  const ca = caPathOf(settings, directory);
  if (ca === undefined) return undefined;
  const missing = whyNoTls(denoVersion);
  if (missing !== undefined) throw new Failure(missing);
  const host = settings.text("host");
  const clusterName = settings.optionalText("cluster-id");
  ensureCertificates(directory, { ids, host: isWildcard(host) ? undefined : host, clusterName, now: Date.now() });
  surroundings.trustRoots("None");
  return { caCerts: [readAuthorities(ca)], serverName: undefined };
}
