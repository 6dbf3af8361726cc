/** What a person types on a new machine, so that a node of it joins the cluster. Pure. */

/** From a client port to the peer port of a node that was not told another one. */
const PEER_PORT_OFFSET = 10_000;
/** The same for HTTP. */
const HTTP_PORT_OFFSET = 3_000;
const PORT_MAX = 65_535;
/** What means nothing to a shell, the rule of `member_addresses.ts`: older programs, and members themselves, may have others listed. */
const PLAIN_HOST = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?\])$/;
const LOOPBACK = /^(127\.[0-9.]+|localhost|\[::1\])$/;

/** The command line that joins these members, "" where none can be named, and a note. Where only this machine reaches them, the new node is on it. */
export function joinCommand(members) {
  const known = members.filter(({ peer_address: address }) => isFit(splitAddress(address)));
  if (known.length === 0) {
    return {
      command: "",
      note:
        "No member is known by an address that can be typed here: start one with --advertise-peer HOST:PORT, by which others reach it.",
    };
  }
  const list = known.map(seedOf).join(",");
  if (known.some((member) => !LOOPBACK.test(splitAddress(member.peer_address).host))) {
    return {
      command: `kvstore node --join ${list} --host ADDRESS --peer-tls-cert FILE --peer-tls-key FILE --peer-tls-ca FILE`,
      note:
        "ADDRESS is that of the new machine; kvstore tls node makes the files. Where the nodes share a secret and have no certificates: --insecure-peers --cluster-secret-file FILE instead. Where there are no users it serves nobody without --insecure-clients.",
    };
  }
  const port = freePort(known);
  return {
    command: `kvstore node --join ${list} --port ${port}`,
    note: "Only this machine reaches these nodes, so the new one is on it too, with a port of its own.",
  };
}

/** The next port for clients whose ports for nodes and for HTTP are no member's either, as far as is known. */
function freePort(members) {
  const addresses = members.flatMap((member) => [member.peer_address, member.client_address, member.http_address]);
  const used = addresses.map((address) => splitAddress(address).port);
  const taken = members.map((member) => splitAddress(member.client_address).port).filter(isPort);
  let port = Math.max(0, ...taken) + 1;
  while ([port, port + PEER_PORT_OFFSET, port + HTTP_PORT_OFFSET].some((needed) => used.includes(needed))) port += 1;
  return port;
}

/** As `--join` reads it: the peer port is named only where it does not follow from the client port. */
function seedOf({ peer_address: peerAddress, client_address: clientAddress }) {
  const { host, port: peerPort } = splitAddress(peerAddress);
  const { port } = splitAddress(clientAddress);
  // Who joins connects to the peer port alone: the one for clients may be unknown.
  if (!isPort(port)) return `${host}:${peerPort}@${peerPort}`;
  return peerPort === port + PEER_PORT_OFFSET ? `${host}:${port}` : `${host}:${port}@${peerPort}`;
}

function isFit({ host, port }) {
  return PLAIN_HOST.test(host) && isPort(port);
}

function isPort(port) {
  return Number.isInteger(port) && port >= 1 && port <= PORT_MAX;
}

function splitAddress(address) {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, Math.max(0, colon)), port: Number(address.slice(colon + 1)) };
}
