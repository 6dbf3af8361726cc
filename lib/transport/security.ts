/** What nodes with certificates need beside sockets: who they are to each other. The certificates themselves are the business of `tls`. */

import type { NodeId } from "../raft/types.ts";
import type { HangingHandshakes } from "./hanging.ts";

/** A certificate (DER in base64), and a signature (base64) by its key. */
export interface Evidence {
  readonly certificate: string;
  readonly signature: string;
}

/** The node whose certificate and signature these are; or why they are worth nothing, for people. */
export type Judgement = { readonly nodeId: NodeId } | { readonly objection: string };

/** The certificate of this node, and its trust in those of others. All of it may change while the node runs. */
export interface PeerSecurity {
  /** Of dialers. */
  readonly hanging: HangingHandshakes;
  /** The CAs whose certificates count, in PEM, and in words what they are. */
  authorities(): { readonly pem: string; readonly shown: string };
  /** The certificate of this node in words. */
  shown(): string;
  /** The name that TLS must find in the certificate of a node; of any node of the cluster where none is given. */
  hostOf(id: NodeId | undefined): string;
  /** The server's side of TLS on a socket. Rejects where the handshake fails; `socket` ends it when it is closed. */
  serve(socket: RawSocket): Promise<PeerSocket>;
  /** Signs what was said in a handshake. */
  sign(parts: readonly string[]): Evidence;
  /** Never throws. */
  judge(evidence: Evidence, parts: readonly string[]): Judgement;
}

/** A connection between nodes, with TLS or without. */
export interface PeerSocket {
  /** As `Deno.Conn`. Rejects with `PeerTlsError` where TLS has failed. */
  read(target: Uint8Array): Promise<number | null>;
  /** As `Deno.Conn`. Rejects with `PeerTlsError` where TLS has failed. */
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
  /** Only where what is written can still be held back. */
  setNoDelay?(noDelay: boolean): void;
}

/** What TLS is put on. */
export type RawSocket = Pick<Deno.TcpConn, "read" | "write" | "closeWrite" | "close" | "remoteAddr">;

/** TLS with another node has failed: in words, and it will not go better by itself. */
export class PeerTlsError extends Error {
  override readonly name = "PeerTlsError";

  /** `speaksNone`: the other side speaks no TLS at all. */
  constructor(message: string, readonly speaksNone: boolean = false) {
    super(message);
  }
}
