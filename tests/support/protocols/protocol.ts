/** What clients of any protocol do and are told: a reply says that a write was done, was certainly not, or may have been. */

/** What was told about a write. */
export type WriteReply =
  | {
    readonly type: "Done";
    /** What a deletion told about the key; null for a value that was stored. */
    readonly existed: boolean | null;
  }
  | {
    readonly type: "NotDone";
    readonly reason: string;
    /** The node to ask instead, if one was named. */
    readonly leader?: number;
  }
  | { readonly type: "Unknown"; readonly reason: string }
  | Surprise;

/** What was told about a read: a value, null for none, or why there is no answer. */
export type ReadReply =
  | { readonly type: "Value"; readonly value: string | null }
  | { readonly type: "NoAnswer"; readonly reason: string }
  | Surprise;

/** A reply that fits nothing that is documented. */
export interface Surprise {
  readonly type: "Surprise";
  readonly reply: string;
}

/** A connection to one node, for one request at a time. Nothing rejects: a connection that breaks is an outcome too. */
export interface Connection {
  /** Whether it has ended; then nothing is sent over it any more. */
  readonly closed: boolean;
  /** Stores a value, or deletes the key for null. */
  write(key: string, value: string | null): Promise<WriteReply>;
  read(key: string): Promise<ReadReply>;
  close(): void;
}

/** Where the nodes can be reached, by id. */
export interface NodePorts {
  /** Of the text protocol and of Redis's. */
  readonly clients: readonly number[];
  readonly http: readonly number[];
}

/** A protocol that clients speak. */
export interface Protocol {
  readonly name: "text" | "resp" | "http";
  /** Whether only the leader takes writes; else every node does. */
  readonly needsLeader: boolean;
  /** Connects to a node; `timeoutMs` is the deadline of each reply. Rejects when the node does not listen. */
  connect(ports: NodePorts, node: number, timeoutMs: number): Promise<Connection>;
}

/** Without the numbers, which would make each reason one of its own. */
export function shortened(reply: string): string {
  return reply.replace(/\d+/g, "N");
}

/** What an error that ended a request is called in the counts. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
