/**
 * What COMMAND tells of a command besides its form: the release of Redis that has it first, its group, its flags, its
 * categories, and tips for proxies. Of Redis 7.0 where Redis has the command, which a test compares.
 */

import { assert } from "../../base/assert.ts";

/** The facts of one command or subcommand. */
export interface CommandFacts {
  readonly since: string;
  readonly group: string;
  readonly flags: readonly string[];
  /** With their `@`, in the order of Redis. */
  readonly categories: readonly string[];
  readonly tips: readonly string[];
}

/** Name, release, group; then flags, the categories that do not follow from flags, and tips. */
const ROWS = `
get 1.0.0 string readonly fast @string
strlen 2.2.0 string readonly fast @string
append 2.0.0 string write denyoom fast @string
getrange 2.4.0 string readonly @string
setrange 2.2.0 string write denyoom @string
set 1.0.0 string write denyoom @string
setnx 1.0.0 string write denyoom fast @string
setex 2.0.0 string write denyoom @string
psetex 2.6.0 string write denyoom @string
getset 1.0.0 string write denyoom fast @string
getdel 6.2.0 string write fast @string
getex 6.2.0 string write fast @string
delex 8.4.0 string write fast @string
incr 1.0.0 string write denyoom fast @string
decr 1.0.0 string write denyoom fast @string
incrby 1.0.0 string write denyoom fast @string
decrby 1.0.0 string write denyoom fast @string
incrbyfloat 2.6.0 string write denyoom fast @string
mget 1.0.0 string readonly fast @string request_policy:multi_shard
mset 1.0.1 string write denyoom @string request_policy:multi_shard response_policy:all_succeeded
msetnx 1.0.1 string write denyoom @string request_policy:multi_shard response_policy:agg_min
del 1.0.0 generic write @keyspace request_policy:multi_shard response_policy:agg_sum
unlink 4.0.0 generic write fast @keyspace request_policy:multi_shard response_policy:agg_sum
exists 1.0.0 generic readonly fast @keyspace request_policy:multi_shard response_policy:agg_sum
touch 3.2.1 generic readonly fast @keyspace request_policy:multi_shard response_policy:agg_sum
flushdb 1.0.0 server write @keyspace @dangerous request_policy:all_shards response_policy:all_succeeded
flushall 1.0.0 server write @keyspace @dangerous request_policy:all_shards response_policy:all_succeeded
type 1.0.0 generic readonly fast @keyspace
rename 1.0.0 generic write @keyspace
renamenx 1.0.0 generic write fast @keyspace
copy 6.2.0 generic write denyoom @keyspace
object 2.2.3 generic
object|encoding 2.2.3 generic readonly @keyspace nondeterministic_output
object|help 6.2.0 generic loading stale @keyspace
memory 4.0.0 server
memory|usage 4.0.0 server readonly
memory|help 4.0.0 server loading stale
revision 7.0.0 generic readonly fast @keyspace
dbsize 1.0.0 server readonly fast @keyspace request_policy:all_shards response_policy:agg_sum
expire 1.0.0 generic write fast @keyspace
pexpire 2.6.0 generic write fast @keyspace
expireat 1.2.0 generic write fast @keyspace
pexpireat 2.6.0 generic write fast @keyspace
ttl 1.0.0 generic readonly fast @keyspace nondeterministic_output
pttl 2.6.0 generic readonly fast @keyspace nondeterministic_output
expiretime 7.0.0 generic readonly fast @keyspace
pexpiretime 7.0.0 generic readonly fast @keyspace
persist 2.2.0 generic write fast @keyspace
keys 1.0.0 generic readonly @keyspace @dangerous request_policy:all_shards nondeterministic_output_order
scan 2.8.0 generic readonly @keyspace nondeterministic_output request_policy:special
range 7.0.0 generic readonly @keyspace
prefix 7.0.0 generic readonly @keyspace
randomkey 1.0.0 generic readonly @keyspace request_policy:all_shards nondeterministic_output
ping 1.0.0 connection fast @connection request_policy:all_shards response_policy:all_succeeded
echo 1.0.0 connection loading stale fast @connection
hello 6.0.0 connection noscript loading stale fast no_auth allow_busy @connection
auth 1.0.0 connection noscript loading stale fast no_auth allow_busy @connection
quit 1.0.0 connection noscript loading stale fast no_auth allow_busy @connection
reset 6.2.0 connection noscript loading stale fast no_auth allow_busy @connection
select 1.0.0 connection loading stale fast @connection
readonly 3.0.0 cluster loading stale fast @connection
readwrite 3.0.0 cluster loading stale fast @connection
asking 3.0.0 cluster fast @connection
client 2.4.0 connection
client|id 5.0.0 connection noscript loading stale @connection
client|getname 2.6.9 connection noscript loading stale @connection
client|setname 2.6.9 connection noscript loading stale @connection
client|setinfo 7.2.0 connection noscript loading stale @connection
client|info 6.2.0 connection noscript loading stale @connection nondeterministic_output
client|list 2.4.0 connection admin noscript loading stale @connection nondeterministic_output
client|kill 2.4.0 connection admin noscript loading stale @connection
client|reply 3.2.0 connection noscript loading stale @connection
client|no-evict 7.0.0 connection admin noscript loading stale @connection
client|no-touch 7.2.0 connection noscript loading stale @connection
client|help 5.0.0 connection loading stale @connection
info 1.0.0 server loading stale @dangerous nondeterministic_output request_policy:all_shards response_policy:special
time 2.6.0 server loading stale fast nondeterministic_output
role 2.8.12 server noscript loading stale fast @admin @dangerous
wait 3.0.0 generic noscript @connection request_policy:all_shards response_policy:agg_min
lastsave 1.0.0 server loading stale fast @admin @dangerous nondeterministic_output
save 1.0.0 server admin noscript no_async_loading no_multi
bgsave 1.0.0 server admin noscript no_async_loading
config 2.0.0 server
config|get 2.0.0 server admin noscript loading stale
config|set 2.0.0 server admin noscript loading stale request_policy:all_nodes response_policy:all_succeeded
config|resetstat 2.0.0 server admin noscript loading stale
config|rewrite 2.8.0 server admin noscript loading stale
config|help 5.0.0 server loading stale
command 2.8.13 server loading stale @connection nondeterministic_output_order
command|count 2.8.13 server loading stale @connection
command|list 7.0.0 server loading stale @connection nondeterministic_output_order
command|info 2.8.13 server loading stale @connection nondeterministic_output_order
command|docs 7.0.0 server loading stale @connection nondeterministic_output_order
command|getkeys 2.8.13 server loading stale @connection
command|help 5.0.0 server loading stale @connection
multi 1.2.0 transactions noscript loading stale fast allow_busy @transaction
exec 1.2.0 transactions noscript loading stale skip_slowlog @transaction
discard 2.0.0 transactions noscript loading stale fast allow_busy @transaction
watch 2.2.0 transactions noscript loading stale fast allow_busy @transaction
unwatch 2.2.0 transactions noscript loading stale fast allow_busy @transaction
session 7.0.0 transactions noscript @transaction
session|open 7.0.0 transactions write noscript fast @transaction
session|keepalive 7.0.0 transactions write noscript fast @transaction
session|close 7.0.0 transactions write noscript fast @transaction
session|help 7.0.0 transactions loading stale @transaction
once 7.0.0 transactions write denyoom noscript movablekeys @transaction
txn 7.0.0 transactions write denyoom noscript movablekeys @transaction
cluster 3.0.0 cluster
cluster|slots 3.0.0 cluster stale nondeterministic_output
cluster|shards 7.0.0 cluster stale nondeterministic_output
cluster|nodes 3.0.0 cluster stale nondeterministic_output
cluster|info 3.0.0 cluster stale nondeterministic_output
cluster|myid 3.0.0 cluster stale
cluster|keyslot 3.0.0 cluster stale
cluster|help 5.0.0 cluster loading stale
slowlog 2.2.12 server
slowlog|get 2.2.12 server admin loading stale request_policy:all_nodes nondeterministic_output
slowlog|len 2.2.12 server admin loading stale request_policy:all_nodes response_policy:agg_sum nondeterministic_output
slowlog|reset 2.2.12 server admin loading stale request_policy:all_nodes response_policy:all_succeeded
slowlog|help 6.2.0 server loading stale
latency 2.8.13 server
latency|latest 2.8.13 server admin noscript loading stale nondeterministic_output request_policy:all_nodes response_policy:special
latency|history 2.8.13 server admin noscript loading stale nondeterministic_output request_policy:all_nodes response_policy:special
latency|reset 2.8.13 server admin noscript loading stale request_policy:all_nodes response_policy:all_succeeded
latency|histogram 7.0.0 server admin noscript loading stale nondeterministic_output request_policy:all_nodes response_policy:special
latency|doctor 2.8.13 server admin noscript loading stale nondeterministic_output request_policy:all_nodes response_policy:special
latency|help 2.8.13 server loading stale
`;

const CATEGORIES = ("@keyspace @read @write @string @admin @fast @slow @dangerous @connection @transaction").split(" ");

const FACTS: ReadonlyMap<string, CommandFacts> = new Map(
  ROWS.trim().split("\n").map((row) => {
    const [name = "", since = "", group = "", ...words] = row.split(" ");
    const tips = words.filter((word) => word.includes(":") || word.startsWith("nondeterministic"));
    const named = words.filter((word) => word.startsWith("@"));
    const flags = words.filter((word) => !tips.includes(word) && !named.includes(word));
    const all = new Set([...named, ...implied(flags)]);
    return [name, { since, group, flags, tips, categories: CATEGORIES.filter((category) => all.has(category)) }];
  }),
);

/** Categories that follow from flags, as Redis has them follow. */
function implied(flags: readonly string[]): readonly string[] {
  return [
    flags.includes("fast") ? "@fast" : "@slow",
    ...(flags.includes("write") ? ["@write"] : []),
    ...(flags.includes("readonly") ? ["@read"] : []),
    ...(flags.includes("admin") ? ["@admin", "@dangerous"] : []),
  ];
}

/** The facts of a name such as `get` or `client|list`. */
export function factsOf(name: string): CommandFacts {
  const facts = FACTS.get(name);
  assert(facts !== undefined, `Every command has a row of facts: ${name} has none`);
  return facts;
}
