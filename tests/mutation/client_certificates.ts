/** Planted bugs of the certificates of clients: who is let in. */

import type { Mutation } from "./mutation.ts";

/** In the order of their numbers. */
export const CLIENT_CERTIFICATE_SLIPS: readonly Mutation[] = [
  {
    id: "M700",
    what: "A client with a certificate of any CA is let in",
    patches: [{
      file: "lib/tls/client_authorities.ts",
      find: "(authority) => isSignedBy(leaf, authority)",
      replace: "(authority) => isSignedBy(leaf, authority) || authority.isAuthority",
    }],
    tests: ["tests/unit/tls/client_authorities_test.ts"],
  },
  {
    id: "M701",
    what: "The signature of the CA is not looked at, only its name",
    patches: [{
      file: "lib/tls/client_authorities.ts",
      find: "return verify(hash, leaf.signed, publicKeyOf(authority), leaf.signature);",
      replace: 'return typeof verify === "function" && publicKeyOf(authority).type === "public";',
    }],
    tests: ["tests/unit/tls/client_authorities_test.ts"],
  },
  {
    id: "M702",
    what: "A client whose certificate has expired is let in",
    patches: [{
      file: "lib/tls/client_authorities.ts",
      find: 'if (stateOf(leaf, now) !== "valid") return',
      replace: 'if (stateOf(leaf, now) === "not_yet_valid") return',
    }],
    tests: ["tests/unit/tls/client_authorities_test.ts"],
  },
  {
    id: "M703",
    what: "A client is let in whose CA has expired",
    patches: [{
      file: "lib/tls/client_authorities.ts",
      find: 'if (stateOf(signer, now) !== "valid") return',
      replace: 'if (stateOf(signer, now) === "not_yet_valid") return',
    }],
    tests: ["tests/unit/tls/client_authorities_test.ts"],
  },
  {
    id: "M704",
    what: "A certificate for servers alone lets a client in",
    patches: [{
      file: "lib/tls/client_authorities.ts",
      find: 'return isFor(leaf, "client") ? undefined : "it is not for a client";',
      replace: 'return isFor(leaf, "client") || isFor(leaf, "server") ? undefined : "it is not for a client";',
    }],
    tests: ["tests/unit/tls/client_authorities_test.ts"],
  },
  {
    id: "M705",
    what: "A certificate that the runtime cannot read lets in whoever has seen it",
    patches: [{
      file: "lib/tls/client_authorities.ts",
      find: "return number.length === 1 && number[0] === VERSION_3 && Buffer.from(written).equals(der);",
      replace: "return number.length === 1 && number[0] === VERSION_3 && written.length > 0;",
    }],
    tests: ["tests/unit/tls/client_authorities_test.ts"],
  },
  {
    id: "M706",
    what: "A certificate of version 1 lets in whoever has seen it",
    patches: [{
      file: "lib/tls/client_authorities.ts",
      find: "if (signed === undefined || inner === undefined || version?.tag !== 0xa0) return false;",
      replace: "if (signed === undefined || inner === undefined || version?.tag !== 0xa0) return signed !== undefined;",
    }],
    tests: ["tests/unit/tls/client_authorities_test.ts"],
  },
  {
    id: "M707",
    what: "What a client says is heard, though it is refused",
    patches: [{
      file: "lib/tls/tls_socket.ts",
      find: "if (objection !== undefined) return this.#refuse(objection);",
      replace: "if (objection !== undefined) this.#refuse(objection);",
    }],
    tests: ["tests/unit/tls/client_certificates_test.ts"],
  },
  {
    id: "M708",
    what: "No client is asked for its certificate, so that none is let in",
    patches: [{
      file: "lib/tls/tls_socket.ts",
      find: "{ requestCert: true, rejectUnauthorized: true };",
      replace: "{ requestCert: false, rejectUnauthorized: false };",
    }],
    tests: ["tests/unit/tls/client_certificates_test.ts"],
  },
  {
    id: "M709",
    what: "The CAs of clients that were read at the start hold for ever",
    patches: [{
      file: "lib/cluster/tls_service.ts",
      find: "...(clientAuthorities === undefined ? [] : [clientAuthorities])],",
      replace: "...(clientAuthorities === undefined ? [] : [])],",
    }],
    tests: ["tests/unit/cluster/tls_service_test.ts"],
  },
  {
    id: "M710",
    what: "A tool shows no certificate, though it was given one",
    patches: [{
      file: "lib/cli/client_tls.ts",
      find: "...(identity === undefined ? {} : { identity }) };",
      replace: "...(identity === undefined ? {} : {}) };",
    }],
    tests: ["tests/unit/cli/client_tls_test.ts"],
  },
  {
    id: "M711",
    what: "A connection that shows a certificate believes every server",
    patches: [{
      file: "lib/base/dial.ts",
      find: "await handshake;\n    return tls;\n  } catch (error) {\n    closeQuietly(tls);",
      replace: "return tls;\n  } catch (error) {\n    closeQuietly(tls);",
    }],
    tests: ["tests/unit/tls/client_certificates_test.ts"],
  },
  {
    id: "M712",
    what: "A node shows no certificate to the leader that asks for one",
    patches: [{
      file: "lib/cluster/tls_service.ts",
      find: 'identity: isFor(leaf, "client") ? { cert, key } : undefined,',
      replace: 'identity: isFor(leaf, "client") && cert === key ? { cert, key } : undefined,',
    }],
    tests: ["tests/unit/cluster/tls_service_test.ts"],
  },
  {
    id: "M713",
    what: "A node shows the certificate that it had at its start for ever",
    patches: [{
      file: "lib/cluster/tls_service.ts",
      find: "      loaded = next;\n      tls.use(loaded.serving);",
      replace: "      tls.use(next.serving);",
    }],
    tests: ["tests/unit/cluster/tls_service_test.ts"],
  },
];
