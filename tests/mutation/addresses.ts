/** Planted bugs of addresses: who somebody is would follow from where it is, or where it is would not be learned. */

import type { Mutation } from "./mutation.ts";

const CREDENTIALS = "lib/transport/credentials.ts";
const DIRECTORY = "lib/node/membership/peer_directory.ts";

/** In the order of their numbers. */
export const ADDRESS_SLIPS: readonly Mutation[] = [
  {
    id: "M550",
    what: "Who is dialed at an address takes itself for the one that was meant",
    patches: [{
      file: CREDENTIALS,
      find: "if (mismatch !== undefined || to === own.nodeId) return mismatch;",
      replace: "if (mismatch !== undefined || own.nodeId >= 0) return mismatch;",
    }],
    tests: ["tests/unit/node/addresses_test.ts"],
  },
  {
    id: "M551",
    what: "Who answers at an address is taken for the one that was dialed",
    patches: [{
      file: CREDENTIALS,
      find: "if (mismatch !== undefined || greeting.nodeId === expected) return mismatch;",
      replace: "if (mismatch !== undefined || greeting.nodeId >= 0) return mismatch;",
    }],
    tests: ["tests/unit/node/addresses_test.ts"],
  },
  {
    id: "M552",
    what: "An address change moves a vote: who greets from where another member was counts as that one",
    patches: [{
      file: DIRECTORY,
      find: "this.#greetings.set(nodeId, { ...greeting });",
      replace:
        "this.#greetings.set(configuration.members.find(({ address }) => address === peerAddress)?.id ?? nodeId, { ...greeting });",
    }],
    tests: ["tests/unit/node/peer_directory_test.ts"],
  },
  {
    id: "M553",
    what: "A vote or an acknowledgement counts for whom it names, whoever sends it",
    patches: [{
      file: "lib/transport/serve.ts",
      find: "if (message.from === peer.id && message.to === sink.ownId) return message;",
      replace: "if ((message.from === peer.id || peer.id >= 0) && message.to === sink.ownId) return message;",
    }],
    tests: ["tests/unit/transport/hostile_test.ts"],
  },
  {
    id: "M554",
    what: "Where the log says that a server is beats what the server says",
    patches: [{
      file: "lib/node/views/views.ts",
      find: "addresses: [...new Set([announced(id), ...listed])]",
      replace: "addresses: [...new Set([...listed, announced(id)])]",
    }],
    tests: ["tests/unit/node/peer_directory_test.ts"],
  },
  {
    id: "M555",
    what: "A node that knows its peers asks no seed where they have gone",
    patches: [{
      file: "lib/transport/tcp_transport.ts",
      find: "(this.#peers.size === 0 || this.#isMissingPeer())",
      replace: "(this.#peers.size === 0 || (this.#isMissingPeer() && this.#peers.size === 0))",
    }],
    tests: ["tests/unit/transport/seeds_test.ts"],
  },
  {
    id: "M573",
    what: "A peer may announce what has no port",
    patches: [{
      file: "lib/transport/control.ts",
      find: 'address === "" || isAddress(address)',
      replace: 'address === "" || isAddress(`${address}:1`) || isAddress(address)',
    }],
    tests: ["tests/unit/transport/control_test.ts"],
  },
  {
    id: "M574",
    what: "A node may advertise what a shell would run",
    patches: [{
      file: "lib/cli/server_settings.ts",
      find: "if (text === undefined || isAddress(text)) return text;",
      replace: 'if (text === undefined || text.includes(":")) return text;',
    }],
    tests: ["tests/unit/cli/node_command_test.ts"],
  },
  {
    id: "M575",
    what: "--peers and --join take any characters for a host",
    patches: [{
      file: "lib/cli/peers.ts",
      find: "if (isAddress(showAddress(place.host, place.port))) return place;",
      replace: 'if (place.host !== "" || isAddress(place.host)) return place;',
    }],
    tests: ["tests/unit/cli/peers_test.ts"],
  },
];
