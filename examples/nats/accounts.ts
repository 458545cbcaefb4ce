/**
 * Accounts of NATS servers, without `nsc`: keys, the tokens (JWTs) that they sign, and the configuration of servers that trust them.
 *
 * The *operator* signs accounts, an *account* signs its users, a *user* connects. Give each tenant an account: nothing crosses from one to another. Servers
 * know the operator and are sent accounts. Users they need not know: the token of one carries the signature of its account.
 * A seed is the secret half of a key. The seeds of the operator and of accounts stay where tokens are made, and never reach a page.
 */
import { createAccount, createOperator, createUser, fromSeed } from "@nats-io/nkeys";

/** The public half of a key, and the secret one. */
export interface Key {
  id: string;
  seed: string;
}

/** The keys of those who run the servers. The account of the system is that from which accounts are sent. */
export interface Keys {
  operator: Key;
  system: Key;
}

/** What a user may publish to and subscribe to. Without permissions: everything in its account. */
export interface Permissions {
  pub?: { allow?: string[]; deny?: string[] };
  sub?: { allow?: string[]; deny?: string[] };
}

export function newKey(kind: "operator" | "account" | "user"): Key {
  const pair = { operator: createOperator, account: createAccount, user: createUser }[kind]();
  return { id: pair.getPublicKey(), seed: new TextDecoder().decode(pair.getSeed()) };
}

/**
 * What all servers of an operator have in their configurations. `dir` is a folder, of each server's own, in which it keeps the accounts that it was sent.
 * The durability of the servers is all that accounts may ask of the account of the system.
 */
export function serverConfiguration({ operator, system, dir }: Keys & { dir: string }): string {
  const exports = [{ name: "durability", subject: DURABILITY, type: "service", response_type: "Stream" }];
  return `
operator: ${sign(operator, operator.id, { name: "operator", type: "operator" })}
system_account: ${system.id}
resolver: { type: full, dir: ${JSON.stringify(dir)}, allow_delete: true, interval: "2m" }
resolver_preload: { ${system.id}: ${sign(operator, system.id, { name: "system", type: "account", limits: UNLIMITED, exports })} }
`;
}

/** What a client asks to learn whether servers write to the disk before they acknowledge. The answer also says their load, memory and number of connections. */
const DURABILITY = "$SYS.REQ.SERVER.PING.STATSZ";

/** The token of a tenant's account. `diskBytes` is what its streams may take on the disks, each copy of a message counted. */
export function accountToken(
  { operator, system }: Keys,
  account: Key,
  { name, diskBytes, connections = -1 }: { name: string; diskBytes: number; connections?: number },
): string {
  const limits = { ...UNLIMITED, conn: connections, disk_storage: diskBytes, mem_storage: 0, streams: -1, consumer: -1 };
  const imports = [{ name: "durability", subject: DURABILITY, type: "service", account: system.id }];
  return sign(operator, account.id, { name, type: "account", limits, imports });
}

/** What `sendAccount` needs of a connection. */
export interface Requests {
  request(subject: string, payload: string): Promise<{ json<T>(): T }>;
}

/** Sends an account to all servers, over the connection of a user of the system's account. A token that is sent again, with other limits, replaces the first. */
export async function sendAccount(connection: Requests, token: string): Promise<void> {
  const answer = (await connection.request("$SYS.REQ.CLAIMS.UPDATE", token)).json<{ data?: { code?: number }; error?: unknown }>();
  if (answer.data?.code !== 200) throw new Error(`the account was refused: ${JSON.stringify(answer)}`);
}

/**
 * The token of a user. The server ends the connection at `expires`, in seconds since 1970. A `bearer` token is all that a client needs, as a cookie is.
 * Without it, the client must have the user's seed as well.
 */
export function userToken(
  account: Key,
  user: Key,
  { name, expires, bearer = false, permissions = {} }: { name: string; expires?: number; bearer?: boolean; permissions?: Permissions },
): string {
  return sign(account, user.id, { name, expires, type: "user", bearer_token: bearer, subs: -1, data: -1, payload: -1, ...permissions });
}

/** The text of a file of credentials, which `credsAuthenticator` and the tools of NATS read. It has the user's seed. */
export const credentials = (token: string, { seed }: Key): string =>
  [
    ["NATS USER JWT", token],
    ["USER NKEY SEED", seed],
  ]
    .map(([what, lines]) => `-----BEGIN ${what}-----\n${lines}\n------END ${what}------\n`)
    .join("\n");

/**
 * All that a client of one namespace needs once its stream and its bucket are there. It keeps an honest client from what it should not do by mistake. It stops
 * no hostile one: see *What is trusted* in docs/nats.md.
 */
export function clientPermissions(namespace: string): Permissions {
  const stream = `LONGWAIT_${namespace}`;
  const of = (name: string, consumers: string) => [
    `$JS.API.STREAM.INFO.${name}`,
    `$JS.API.STREAM.MSG.GET.${name}`,
    // Of processes that were pruned, and of files that were replaced or removed.
    `$JS.API.STREAM.PURGE.${name}`,
    `$JS.API.CONSUMER.CREATE.${name}${consumers}`,
    `$JS.API.CONSUMER.INFO.${name}.*`,
    `$JS.API.CONSUMER.DELETE.${name}.*`,
    `$JS.FC.${name}.>`,
  ];
  const allow = [
    `longwait.${namespace}.>`,
    ...of(stream, ""),
    `$JS.API.DIRECT.GET.${stream}`,
    `$O.${stream}.>`,
    ...of(`OBJ_${stream}`, ".>"),
    "$JS.API.INFO",
    DURABILITY,
  ];
  return { pub: { allow }, sub: { allow: [`longwait.${namespace}.n.*`, "_INBOX.>"] } };
}

const UNLIMITED = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };

/** A token in which the key `signer` says `about` of the key `subject`. */
function sign(
  signer: Key,
  subject: string,
  { name, expires, ...about }: { name: string; expires?: number | undefined; [field: string]: unknown },
): string {
  const pair = fromSeed(Buffer.from(signer.seed));
  const claims = {
    jti: crypto.randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    exp: expires,
    iss: signer.id,
    name,
    sub: subject,
    nats: { ...about, version: 2 },
  };
  const said = [{ typ: "JWT", alg: "ed25519-nkey" }, claims].map((part) => base64(JSON.stringify(part))).join(".");
  return `${said}.${base64(pair.sign(Buffer.from(said)))}`;
}

const base64 = (bytes: string | Uint8Array) => Buffer.from(bytes).toString("base64url");
