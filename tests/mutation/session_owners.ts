/** Planted bugs of sessions that belong to users. */

import { type Mutation, slip } from "./mutation.ts";

const SESSION_COMMANDS = "lib/kv/session_commands.ts";

/** In the order of their numbers. */
export const SESSION_OWNER_SLIPS: readonly Mutation[] = [
  slip("M857", "A command of another user is answered by the session of its owner", {
    file: SESSION_COMMANDS,
    find: "if (isForeign(sessions.ownerOf(use.id), users.findByLogin(turn.login))) {",
    replace: "if (isForeign(sessions.ownerOf(use.id), users.findByLogin(turn.login)) && use.sequence === 0) {",
  }),
  slip("M858", "Any user ends the session of another", {
    file: SESSION_COMMANDS,
    find: "const mayEnd = user?.rights.isAdmin === true ||",
    replace: "const mayEnd = user !== undefined ||",
  }),
  slip("M859", "A session belongs to a password, and not to who has it", {
    file: SESSION_COMMANDS,
    find: "user?.created ?? NO_OWNER : NO_OWNER",
    replace: "user?.login ?? NO_OWNER : NO_OWNER",
  }),
  slip("M860", "A snapshot forgets whose a session is", {
    file: "lib/kv/snapshot_loader.ts",
    find: "return { id, ttlMs, expiresAt, floor, answers, owner };",
    replace: "return { id, ttlMs, expiresAt, floor, answers, owner: owner && NO_OWNER };",
  }),
  slip("M861", "The digest does not tell whose a session is", {
    file: "lib/kv/sessions.ts",
    find: '${owner === NO_OWNER ? "" : ` ${owner}`}',
    replace: '${owner === NO_OWNER ? "" : ""}',
  }),
  slip("M862", "Whoever asks lets the session of another live on", {
    file: SESSION_COMMANDS,
    find: "      if (isForeign(sessions.ownerOf(command.session), user)) return foreign(revision);\n",
    replace: "",
  }),
].map((mutation) => ({ ...mutation, tests: ["tests/unit/kv/session_owners_test.ts"] }));
